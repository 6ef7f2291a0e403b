# What the scripts of this folder share: arguments, constraints, the steps of a build and what each leaves behind.
#
# Written for Tcl 8.5, the version that UG835 refers to: no try, no lmap.

namespace eval flow {
    # The part of the clock period that lies outside: the neighbour's register and the way between it and the port. A port's path
    # inside has the rest.
    variable outside 0.2

    variable inputs {aresetn s_axis_tdata* s_axis_tvalid s_axis_tlast m_axis_tready}
    variable outputs {s_axis_tready m_axis_tdata* m_axis_tvalid m_axis_tlast counters_*}

    # What is written of every state, by the end of the file's name. By default the hierarchical table has the top level only
    # (UG906); eight levels are more than a pipeline has.
    variable results {
        .dcp                          {write_checkpoint -force}
        _utilization.rpt              {report_utilization -file}
        _utilization_hierarchical.rpt {report_utilization -hierarchical -hierarchical_depth 8 -file}
        _timing_summary.rpt           {report_timing_summary -max_paths 10 -file}
        _power.rpt                    {report_power -file}
        _drc.rpt                      {report_drc -file}
    }

    # Arguments that a script has besides those that all have, and files that it leaves besides the bitstream, by their endings.
    variable more_arguments {}
    variable optional {saif {} incremental 1}
    variable parts {^xc7[a-z0-9]+-\w+$}
    variable parts_said "a 7-series part with package and speed grade"
    variable more_files {}
    variable unwritten {}

    # What the design is made of, as text; whether an earlier run has routed just that; this file, a part of it.
    variable made_of {}
    variable finished 0
    variable script [file normalize [info script]]
}

# Run a build: a command prefix that takes the checked arguments. A wrong argument ends Vivado with 2, a failed step with 1, each
# with one sentence.
proc flow::main {build} {
    if {[catch {
        set run [arguments $::argv]
        prepare $run
        {*}$build $run
    } message options]} {
        puts stderr "ERROR: [string map {{ERROR: } {}} [lindex [split $message \n] 0]]"
        exit [expr {[dict get $options -errorcode] eq "USAGE" ? 2 : 1}]
    }
}

# Raise the error of a wrong argument.
proc flow::refuse {message} {
    return -code error -errorcode USAGE $message
}

# A Vivado command; an error names it.
proc flow::step {command args} {
    if {[catch {$command {*}$args} result]} {
        error "$command failed: $result"
    }
    return $result
}

# The checked arguments as a dictionary: folder, top, part, clock_mhz, out, saif, incremental, and sources and memories with
# their full paths.
proc flow::arguments {given} {
    variable more_arguments
    variable optional
    variable parts
    variable parts_said
    set needed [concat {folder top part clock_mhz out} $more_arguments]
    set known [concat $needed [dict keys $optional]]
    set run {}
    foreach argument $given {
        if {![regexp {^(\w+)=(.+)$} $argument -> name value]} { refuse "$argument is not of the form name=value" }
        if {$name ni $known} { refuse "there is no argument $name, only [join $known {, }]" }
        if {[dict exists $run $name]} { refuse "$name is given twice" }
        dict set run $name $value
    }
    foreach name $needed {
        if {![dict exists $run $name]} { refuse "$name= is missing" }
    }
    set run [dict merge $optional $run]
    dict with run {
        if {![regexp {^[A-Za-z_]\w*$} $top]} { refuse "top=$top is not the name of a Verilog module" }
        if {![regexp {^\d+(\.\d+)?$} $clock_mhz] || [scan $clock_mhz %f] <= 0 || [scan $clock_mhz %f] > 1000} {
            refuse "clock_mhz=$clock_mhz is not a number of MHz above 0, 1000 at most"
        }
        if {![regexp $parts $part]} { refuse "part=$part is not $parts_said" }
        if {[llength [get_parts -quiet $part]] != 1} { refuse "this Vivado does not have the part $part" }
        if {$incremental ni {0 1}} { refuse "incremental=$incremental is neither 0 nor 1" }
        if {$saif ne ""} {
            set saif [file normalize $saif]
            check_activity $saif $top
        }
        set folder [file normalize $folder]
        set out [file normalize $out]
        if {![file isdirectory $folder]} { refuse "there is no folder $folder" }
        if {[catch {file mkdir $out} message]} { refuse "there cannot be a folder $out: $message" }
    }
    dict set run sources [listed $folder $top.f]
    dict set run memories [lsort [glob -nocomplain -directory $folder *.mem]]
    return $run
}

# Refuse a SAIF file in which the activity is not that of the top: nothing in it would find its net, which to Vivado is no error.
proc flow::check_activity {saif top} {
    if {![file isfile $saif]} { refuse "there is no file $saif" }
    if {![regexp {\(\s*INSTANCE\s+(?:"[^"]*"\s+)?([^\s()]+)} [content $saif 100000] -> first]} { refuse "$saif names no instance" }
    if {$first ne $top} { refuse "$saif is of $first, not of $top" }
}

# A file's bytes, or as many of them.
proc flow::content {path {most {}}} {
    set channel [open $path]
    fconfigure $channel -translation binary
    set content [read $channel {*}$most]
    close $channel
    return $content
}

# The files that a list in the folder names, one per line.
proc flow::listed {folder list} {
    if {![file isfile [file join $folder $list]]} { refuse "there is no file list $list in $folder" }
    set channel [open [file join $folder $list]]
    set lines [split [read $channel] \n]
    close $channel
    set paths {}
    foreach line $lines {
        set name [string trim $line]
        if {$name eq ""} { continue }
        set path [file join $folder $name]
        if {![file isfile $path]} { refuse "$list names $name, which is not in $folder" }
        lappend paths $path
    }
    if {![llength $paths]} { refuse "$list in $folder is empty" }
    return $paths
}

# Go to the folder of results, so that what Vivado drops where it stands lies there too, and remove what an earlier run left: a
# bitstream there is always this run's. What is left of designs is for `synthesise` to keep or not.
proc flow::prepare {run} {
    variable more_files
    cd [dict get $run out]
    file delete -- [bitstream_file $run]
    foreach ending $more_files { file delete -- [dict get $run top]$ending }
    forget placed
    file delete -- routed_activity.rpt
    if {![dict get $run incremental]} {
        foreach state {synth routed} {
            forget $state
            forget_reference $state
        }
    }
}

# --- what an earlier run has done
#
# STATE.inputs, beside a checkpoint, holds what its design was made of. It is written last, and removed first: where it lies, the
# checkpoint is whole, and for a routed design timing was met. Contents are compared as they are; Vivado's Tcl has no checksums.

# Find out what of an earlier run can be kept for a design that is synthesised with these options, from these files.
proc flow::keep {run options paths} {
    variable made_of
    variable finished
    variable script
    set made_of "Vivado [step version -short], synth_design $options\n"
    foreach path [concat [list $script] $paths] {
        set content [content $path]
        append made_of "[file tail $path], [string length $content] bytes\n$content\n"
    }
    foreach state {synth routed} {
        if {![kept $state]} { retire $state }
    }
    set finished [expr {[kept synth] && [kept routed]}]
}

# Is all that belongs to the state there, and made of the present inputs?
proc flow::kept {state} {
    variable made_of
    variable results
    foreach ending [concat .inputs [dict keys $results]] {
        if {![file isfile $state$ending]} { return 0 }
    }
    return [expr {[content $state.inputs] eq $made_of}]
}

# Make a former design's checkpoint the reference for the next one, and remove the rest. A reference of another device, top or
# Vivado is none.
proc flow::retire {state} {
    variable made_of
    if {[file isfile $state.inputs] && [file isfile $state.dcp]} {
        foreach ending {.dcp .inputs} { file rename -force -- $state$ending reference_$state$ending }
    }
    forget $state
    set record reference_$state.inputs
    if {![file isfile $record] || [first_line [content $record]] ne [first_line $made_of]} { forget_reference $state }
}

proc flow::first_line {text} {
    return [string range $text 0 [string first \n $text]]
}

proc flow::forget {state} {
    variable results
    foreach ending [concat .inputs [dict keys $results]] { file delete -- $state$ending }
}

proc flow::forget_reference {state} {
    file delete -- reference_$state.inputs reference_$state.dcp
}

# Remember what the state's checkpoint was made of.
proc flow::remember {state} {
    variable made_of
    set channel [open $state.inputs.new w]
    fconfigure $channel -translation binary
    puts -nonewline $channel $made_of
    close $channel
    file rename -force -- $state.inputs.new $state.inputs
}

# Read an earlier run's checkpoint, by a command prefix. One that cannot be read is removed, so that the next run does without.
proc flow::read_former {command checkpoint} {
    if {[catch {step {*}$command $checkpoint} message]} {
        file delete -- $checkpoint
        error "$message; $checkpoint is removed, the next run does without it"
    }
}

# Let the next step start from a former design, if there is one: whatever did not change is taken from it. Vivado decides whether
# that one is near enough (UG901, UG904).
proc flow::refer {state} {
    if {[file isfile reference_$state.dcp]} {
        read_former {read_checkpoint -auto_incremental -incremental} reference_$state.dcp
    }
}

proc flow::bitstream_file {run} {
    return [dict get $run top].bit
}

# Write the constraints; returns the file's name.
#
# A port's delay is counted from its neighbour's register to a register here. -datapath_only (UG903) leaves the clock's own way
# out of it: at a pin, the clock's way in (IBUF, BUFG) and the data's way out together are longer than a period of 200 MHz, and
# how the neighbour's clock lies to this one (forwarded, or aligned by an MMCM) is for a board to say. For the same reason hold is
# not analysed on these paths, and on these alone. No path is declared false.
proc flow::constraints {run mode} {
    variable outside
    variable inputs
    variable outputs
    # Vivado counts time in picoseconds: rounded down, the clock is never slower than asked for
    set period [expr {floor(1e6 / [scan [dict get $run clock_mhz] %f]) / 1e3}]
    set delay [format %.3f [expr {$outside * $period}]]
    set period [format %.3f $period]
    set lines [list \
        "create_clock -name aclk -period $period \[get_ports aclk\]" \
        "set_input_delay -clock aclk $delay \[get_ports {$inputs}\]" \
        "set_output_delay -clock aclk $delay \[get_ports {$outputs}\]" \
        "set_max_delay -datapath_only -from \[get_ports {$inputs}\] $period" \
        "set_max_delay -datapath_only -from \[get_clocks aclk\] -to \[get_ports {$outputs}\] $period"]
    if {$mode eq "out_of_context"} {
        # without the place of the clock's buffer, which is outside, its way to the registers would not be counted (UG905, context
        # constraints); any buffer will do
        lappend lines "set_property HD.CLK_SRC BUFGCTRL_X0Y0 \[get_ports aclk\]"
    }
    set channel [open constraints.xdc w]
    puts $channel [join $lines \n]
    close $channel
    return constraints.xdc
}

# Read the sources and synthesise them, unless that has been done; mode is that of synth_design, default or out_of_context. xdc:
# the constraints, which are written where none are given.
proc flow::synthesise {run mode {xdc {}}} {
    variable finished
    variable unwritten
    set sources [dict get $run sources]
    set memories [dict get $run memories]
    if {$xdc eq ""} { set xdc [constraints $run $mode] }
    # with the macro, modules instantiate primitives of the 7 series (docs/arithmetic/popcount.md)
    set define SIGMABIT_7SERIES
    set options [list -top [dict get $run top] -part [dict get $run part] -mode $mode -verilog_define $define]
    keep $run $options [concat $sources $memories [list $xdc]]
    # Critical warnings after which a build would be worthless: a memory without its contents is filled with zeros, a constraint
    # without its port is left out.
    foreach id {{Synth 8-4445} {Vivado 12-4739}} {
        step set_msg_config -id $id -new_severity ERROR
    }
    if {$finished} {
        puts "nothing has changed since this design was routed"
        read_former open_checkpoint routed.dcp
        return
    }
    if {[kept synth]} {
        puts "nothing has changed since this design was synthesised"
        read_former open_checkpoint synth.dcp
        return
    }
    # these commands take Tcl lists of files: as a list of one, a path may have blanks
    foreach path $sources {
        step read_verilog [list $path]
    }
    foreach path $memories {
        step read_mem [list $path]
    }
    step read_xdc [list $xdc]
    refer synth
    step synth_design {*}$options
    write_results $run synth
    if {![llength $unwritten]} { remember synth }
}

# From the synthesised design to the routed one, unless that has been done. What can be written is written, whichever step fails.
proc flow::implement {run} {
    variable finished
    if {$finished} {
        write_results $run routed
        return
    }
    step opt_design
    refer routed
    step place_design
    set state placed
    set failed [catch {
        step phys_opt_design
        step route_design
        set state routed
        # after routing, hold is not mended unless asked for, and then nothing else is (UG904, available physical optimizations)
        if {[slack setup] < 0} { step phys_opt_design }
        if {[slack hold] < 0} { step phys_opt_design -hold_fix }
    } message options]
    write_results $run $state
    if {$failed} { return -options $options $message }
}

# Write what is written of a state. One that cannot be written does not keep the others from being: `judge` comes back to it.
proc flow::write_results {run state} {
    variable results
    variable unwritten
    variable finished
    dict for {ending command} $results {
        if {$ending eq ".dcp" && $finished} { continue }
        # what incremental synthesis needs is in a checkpoint by itself, or, in some versions of Vivado, with this option
        if {"$state$ending" eq "synth.dcp" && ![catch {step {*}$command -incremental_synth synth.dcp}]} { continue }
        if {[catch {
            if {"$state$ending" eq "routed_power.rpt"} { read_activity $run }
            step {*}$command $state$ending
        } message]} {
            puts stderr "WARNING: $message"
            lappend unwritten $state$ending
        }
    }
}

# Let power be that of a simulation, where one is given. The file's hierarchy begins at the top; left to itself, read_saif would
# take two levels away (UG835). What finds no net is listed.
proc flow::read_activity {run} {
    dict with run {
        if {$saif ne ""} { step read_saif -strip_path $top -out_file routed_activity.rpt $saif }
    }
}

# The worst slack in ns of all setup or hold checks, recovery and removal included.
proc flow::slack {check} {
    set slack [get_property SLACK [get_timing_paths -$check]]
    # a path without a constraint has no slack, or an infinite one
    if {![regexp {^-?[0-9.]+(e-?[0-9]+)?$} $slack]} { error "no path has a $check constraint" }
    return $slack
}

# Raise an error if timing is not met or a result could not be written; a routed design that passes is finished.
proc flow::judge {run} {
    variable unwritten
    file delete -- routed.inputs
    set setup [slack setup]
    set hold [slack hold]
    set slacks "at [dict get $run clock_mhz] MHz: the worst slack is $setup ns for setup and $hold ns for hold"
    if {$setup < 0 || $hold < 0} { error "timing is not met $slacks" }
    puts "timing is met $slacks"
    if {[llength $unwritten]} { error "could not be written: [join $unwritten {, }]" }
    remember routed
}
