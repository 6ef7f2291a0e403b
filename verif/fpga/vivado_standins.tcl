# Stand-ins for Vivado's commands, to run the scripts of fpga/series7/vivado without it:
#
#     tclsh vivado_standins.tcl RECORD SCENARIO SCRIPT [name=value ...]
#
# Every call is checked: its options and values, that its files exist, and that it is legal where it stands. RECORD gets a line
# per call, its words separated by tabs, and a line that begins with `violation` for every rule that was broken. The rules are
# stricter than Vivado, which would let a build pass that has no reports. SCENARIO is a dictionary: setup, hold: the worst slack
# after route_design and after each phys_opt_design that follows, the last one lasting; fails: a command that fails, always or the
# n-th time; parts: those that this Vivado has; version: its own; incremental_synth 0: write_checkpoint does not have that option.
#
# A checkpoint holds what the stand-ins know of its design, and a report or a bitstream which design it is of, so that a former
# design cannot be taken for the present one.

namespace eval standin {
    # Options and operands as UG835 writes them, as far as a build has a use for them. What stands in <> is a kind of value,
    # checked by `value`.
    variable syntax {
        get_parts             {[-quiet] <name>}
        version               {[-short]}
        read_verilog          {[-sv] [-library <name>] <.v>...}
        read_mem              {<.mem>...}
        read_xdc              {[-unmanaged] [-mode <mode>] <.xdc>...}
        set_msg_config        {-id <name> -new_severity <severity>}
        synth_design          {-top <name> -part <part> [-mode <mode>] [-flatten_hierarchy <name>] [-directive <name>] [-verilog_define <name>]}
        opt_design            {[-directive <name>]}
        place_design          {[-directive <name>]}
        phys_opt_design       {[-directive <name>] [-hold_fix]}
        route_design          {[-directive <name>] [-tns_cleanup]}
        report_utilization    {[-hierarchical] [-hierarchical_depth <count>] -file <rpt>}
        report_timing_summary {[-report_unconstrained] [-warn_on_violation] [-max_paths <count>] -file <rpt>}
        report_power          {-file <rpt>}
        report_drc            {[-ruledecks <name>] -file <rpt>}
        write_checkpoint      {[-force] [-incremental_synth] <dcp>}
        open_checkpoint       {[-part <part>] <former>}
        read_checkpoint       {[-incremental] [-auto_incremental] <former>}
        read_saif             {[-strip_path <name>] [-no_strip] [-out_file <rpt>] <saif>}
        write_bitstream       {[-force] <bit>}
        write_cfgmem          {[-force] -format <name> -interface <interface> -size <count> -loadbit <load> -file <mcs>}
        get_timing_paths      {[-setup] [-hold] [-max_paths <count>] [-nworst <count>]}
        get_drc_checks        {<name>}
        get_property          {<name> <objects>}
        set_property          {<name> <name> <objects>}
    }
    # The commands of a constraint file (UG903, valid commands in an XDC file), besides set_property and Tcl's set, list and expr.
    variable constraint_syntax {
        create_clock          {-period <time> [-name <name>] <objects>}
        set_input_delay       {-clock <name> [-max] [-min] <time> <objects>}
        set_output_delay      {-clock <name> [-max] [-min] <time> <objects>}
        set_max_delay         {[-datapath_only] -from <objects> [-to <objects>] <time>}
        get_ports             {<name>}
        get_clocks            {<name>}
        get_cells             {[-hierarchical] [-regexp] <name>}
        current_design        {}
        set_false_path        {[-from <objects>] [-to <objects>]}
    }
    # Where a command is legal. States: start, synth, optimised, placed, routed; `any` is any with a design.
    variable legal {
        read_verilog start read_mem start read_xdc start synth_design start opt_design synth place_design optimised
        phys_opt_design {placed routed} route_design placed write_bitstream routed write_cfgmem routed
        report_utilization any report_timing_summary any report_power any report_drc any write_checkpoint any
        get_timing_paths any get_drc_checks any
        open_checkpoint start read_checkpoint {start optimised} read_saif routed
    }
    # What has to be written of every state, and by which command.
    variable products {
        write_checkpoint checkpoint report_utilization utilization {report_utilization -hierarchical} hierarchical
        report_timing_summary timing report_power power report_drc drc
    }
    # and its file's ending
    variable endings {
        checkpoint .dcp utilization _utilization.rpt hierarchical _utilization_hierarchical.rpt timing _timing_summary.rpt
        power _power.rpt drc _drc.rpt
    }
    # What a checkpoint holds of a design: which it is, and its state.
    variable design {top part mode text memory_texts constraint_texts}
    variable kept {ports clocks delays places levels configuration placement_optimised passes}

    variable top {}
    variable part {}
    variable memory_texts {}
    variable constraint_texts {}
    variable references {}
    variable activity {}

    variable state start
    variable mode default
    variable passes 0
    variable sources {}
    variable memories {}
    variable constraint_files {}
    variable severities {}
    variable ports {}
    variable clocks {}
    variable delays {}
    variable places {}
    variable levels {}
    variable configuration {}
    variable text {}
    variable flash 0
    variable tried {}
    variable judged {}
    variable placement_optimised 0
    variable bitstream 0
    variable calls {}
}

proc standin::record {args} {
    variable channel
    puts $channel [join $args \t]
    flush $channel
}

proc standin::violation {message} {
    record violation $message
    error "violation: $message"
}

proc standin::scenario {key default} {
    variable scenario
    return [expr {[dict exists $scenario $key] ? [dict get $scenario $key] : $default}]
}

# Define the commands of a syntax table in an interpreter.
proc standin::define {table {interpreter {}}} {
    dict for {command form} $table {
        interp alias $interpreter $command {} standin::call $command $form
    }
}

proc standin::call {command form args} {
    variable state
    variable legal
    variable calls
    record $command {*}$args
    set given [parse $command $form $args]
    if {[dict exists $legal $command]} {
        set where [dict get $legal $command]
        if {$where eq "any"} { set where {synth optimised placed routed} }
        if {$state ni $where} { violation "$command is not legal in state $state" }
    }
    note $command $given
    dict incr calls $command
    lassign [scenario fails {{} {}}] failing time
    if {$failing eq $command && $time in [list {} [dict get $calls $command]]} {
        error "ERROR: \[Common 17-69\] Command failed: as the scenario has it"
    }
    return [$command $given]
}

# The words of a call as a dictionary: options with their values, or 1, and operands by their numbers.
proc standin::parse {command form words} {
    set options {}
    foreach {- bracket option kind} [regexp -all -inline {(\[)?(-\w+)(?: (<[^>]+>))?\]?} $form] {
        dict set options $option [list [expr {$bracket ne ""}] $kind]
    }
    set operands [regsub -all {\[?-\w+( <[^>]+>)?\]?} $form {}]
    set given {}
    set count 0
    while {[llength $words]} {
        set words [lassign $words word]
        if {[string match -* $word] && ![string is double -strict $word]} {
            if {![dict exists $options $word]} { violation "$command has no option $word" }
            if {[dict exists $given $word]} { violation "$command has $word twice" }
            lassign [dict get $options $word] - kind
            if {$kind eq ""} {
                dict set given $word 1
            } else {
                if {![llength $words]} { violation "$command $word is without its value" }
                set words [lassign $words value]
                dict set given $word [value $command $kind $value]
            }
        } else {
            set kind [lindex $operands [expr {min($count, [llength $operands] - 1)}]]
            if {$kind eq "" || ($count >= [llength $operands] && ![string match *... $kind])} {
                violation "$command has no use for $word"
            }
            dict set given $count [value $command $kind $word]
            incr count
        }
    }
    dict for {option description} $options {
        if {![lindex $description 0] && ![dict exists $given $option]} { violation "$command is without $option" }
    }
    if {$count < [llength $operands]} { violation "$command is without [lindex $operands $count]" }
    return $given
}

# Check a value's kind; returns the value, or the list of files.
proc standin::value {command kind value} {
    variable state
    set kind [string trim $kind <>.]
    switch -- $kind {
        name { set good [expr {$value ne ""}] }
        count { set good [regexp {^[1-9]\d*$} $value] }
        time { set good [string is double -strict $value] }
        mode { set good [expr {$value in {default out_of_context}}] }
        severity { set good [expr {$value in {ERROR {CRITICAL WARNING} WARNING INFO}}] }
        part { set good [expr {$value in [parts]}] }
        interface { set good [expr {$value in {BPIx8 BPIx16 SPIx1 SPIx2 SPIx4 SPIx8}}] }
        load { set good [expr {[llength $value] == 3 && [lindex $value 0] eq "up" && [file isfile [lindex $value 2]]}] }
        mcs { set good [expr {[file extension $value] eq ".mcs"}] }
        objects { set good [expr {[llength $value] && [lsearch -not -regexp $value {^\w+:.}] < 0}] }
        rpt - dcp - bit {
            # what is written of a state bears its name
            set good [expr {[file extension $value] eq ".$kind" && [file isdirectory [file dirname $value]]}]
            if {$kind ne "bit" && ![regexp "^${state}\[_.\]" [file tail $value]]} {
                violation "$command writes [file tail $value] in state $state"
            }
        }
        former - saif {
            if {![file isfile $value]} { violation "$command reads $value, which does not exist" }
            set good [expr {$kind eq "saif" || [file extension $value] eq ".dcp"}]
        }
        default {
            # a path with a blank has to be an element of a list
            set good [llength $value]
            foreach path $value {
                if {![file isfile $path]} { violation "$command reads $path, which does not exist" }
                if {[file extension $path] ne ".$kind"} { set good 0 }
            }
        }
    }
    if {!$good} { violation "$command has the value '$value' where <$kind> belongs" }
    return $value
}

proc standin::parts {} {
    return [scenario parts xc7vx690tffg1761-2]
}

# What follows is named as the command that it stands in for, and is called with the parsed words.

proc standin::get_parts {given} {
    return [lsearch -all -inline -glob [parts] [dict get $given 0]]
}

proc standin::read_verilog {given} {
    variable sources
    lappend sources {*}[dict get $given 0]
}

proc standin::read_mem {given} {
    variable memories
    lappend memories {*}[dict get $given 0]
}

proc standin::read_xdc {given} {
    variable constraint_files
    lappend constraint_files {*}[dict get $given 0]
}

proc standin::set_msg_config {given} {
    variable severities
    dict set severities [dict get $given -id] [dict get $given -new_severity]
}

proc standin::content {path} {
    set file [open $path]
    set text [read $file]
    close $file
    return $text
}

proc standin::synth_design {given} {
    variable state
    variable mode
    variable sources
    variable memories
    variable severities
    variable ports
    variable text
    foreach path $sources { append text [content $path] }
    variable top [dict get $given -top]
    if {![regexp "\\mmodule $top \\((.*?)\\);" $text - header]} { error "ERROR: \[Synth 8-439\] module '$top' not found" }
    foreach {- name} [regexp -all -inline {\$readmem[hb]\("([^"]+)"} $text] {
        if {[lsearch -glob $memories */$name] >= 0} { continue }
        if {[dict exists $severities {Synth 8-4445}] && [dict get $severities {Synth 8-4445}] eq "ERROR"} {
            error "ERROR: \[Synth 8-4445\] could not open \$readmem data file '$name'"
        }
        violation "synth_design fills the memory of $name with zeros"
    }
    foreach {- direction left name} [regexp -all -inline {(input|output) (?:wire )?(?:\[(\d+):0\] )?(\w+)} $header] {
        if {$left eq ""} {
            dict set ports $name $direction
        } else {
            for {set bit 0} {$bit <= $left} {incr bit} { dict set ports "$name\[$bit\]" $direction }
        }
    }
    if {[dict exists $given -mode]} { set mode [dict get $given -mode] }
    variable part [dict get $given -part]
    variable constraint_files
    variable constraint_texts [texts $constraint_files]
    variable memory_texts [texts $memories]
    constrain
    check_reference synth
    set state synth
}

# Run the constraint files where only what XDC allows is there, and see that nothing is left without a constraint.
proc standin::constrain {} {
    variable constraint_syntax
    variable syntax
    variable constraint_files
    variable ports
    variable clocks
    variable delays
    variable levels
    variable places
    interp create -safe xdc
    foreach command [xdc eval {info commands}] {
        if {$command ni {set list expr}} { xdc hide $command }
    }
    define $constraint_syntax xdc
    define [dict filter $syntax key set_property] xdc
    foreach path $constraint_files { xdc eval [content $path] }
    dict for {port direction} $ports {
        if {[dict exists $clocks $port]} { continue }
        # the other half of a differential clock
        if {[dict exists $levels $port] && [regexp {^(LVDS|DIFF_)} [dict get $levels $port]]} { continue }
        foreach kind [list $direction max] {
            if {"$kind $port" ni $delays} { violation "port $port has no $kind delay" }
        }
    }
    if {![dict size $clocks]} { violation "there is no clock" }
    foreach {what table} [list place $places standard $levels] {
        if {[dict size $table] && [lsort [dict keys $table]] ne [lsort [dict keys $ports]]} { violation "a port has no $what" }
    }
    if {[llength [lsort -unique [dict values $places]]] != [dict size $places]} { violation "two ports at one place" }
    interp delete xdc
}

proc standin::objects {given option class} {
    set names {}
    foreach object [dict get $given $option] {
        if {![regexp "^$class:(.*)" $object - name]} { violation "$object is not a $class" }
        lappend names $name
    }
    return $names
}

proc standin::get_ports {given} {
    variable ports
    set found {}
    foreach pattern [dict get $given 0] {
        set matching [expr {[dict exists $ports $pattern] ? [list $pattern] : [lsearch -all -inline -glob [dict keys $ports] $pattern]}]
        if {![llength $matching]} { violation "no port is called $pattern" }
        foreach name $matching { lappend found port:$name }
    }
    return $found
}

proc standin::get_clocks {given} {
    variable clocks
    if {[dict get $given 0] ni [dict values $clocks]} { violation "no clock is called [dict get $given 0]" }
    return clock:[dict get $given 0]
}

proc standin::current_design {given} {
    return design:the
}

# Registers are looked for by the names that they have in the sources.
proc standin::get_cells {given} {
    variable text
    foreach name [regexp -all -inline {[a-z_]{4,}} [dict get $given 0]] {
        set name [regsub {_reg$} $name {}]
        if {$name ne "" && ![regexp "\\m$name\\M" $text]} { violation "get_cells looks for $name, which is not in the sources" }
    }
    return cell:[dict get $given 0]
}

proc standin::set_false_path {given} {
    variable delays
    foreach {option direction} {-from input -to output} {
        if {![dict exists $given $option]} { continue }
        foreach port [objects $given $option port] { lappend delays "$direction $port" "max $port" }
    }
}

proc standin::create_clock {given} {
    variable clocks
    foreach port [objects $given 0 port] { dict set clocks $port [dict get $given -name] }
}

proc standin::set_input_delay {given} {
    io_delay input $given
}

proc standin::set_output_delay {given} {
    io_delay output $given
}

proc standin::io_delay {direction given} {
    variable ports
    variable clocks
    variable delays
    if {[dict get $given -clock] ni [dict values $clocks]} { violation "no clock is called [dict get $given -clock]" }
    foreach port [objects $given 1 port] {
        if {[dict get $ports $port] ne $direction} { violation "$port is not an $direction" }
        lappend delays "$direction $port"
    }
}

proc standin::set_max_delay {given} {
    variable delays
    foreach port [objects $given [expr {[dict exists $given -to] ? "-to" : "-from"}] port] { lappend delays "max $port" }
}

proc standin::opt_design {given} {
    variable state
    require_products
    set state optimised
}

proc standin::place_design {given} {
    check_reference routed
    changed placed
}

proc standin::phys_opt_design {given} {
    variable state
    variable passes
    if {$state eq "routed"} { incr passes }
    changed $state
    variable placement_optimised 1
}

proc standin::route_design {given} {
    variable placement_optimised
    if {!$placement_optimised} { violation "route_design before phys_opt_design" }
    changed routed
}

# The design is another one: what was written of it, and what its slack was, counts no more.
proc standin::changed {to} {
    variable state $to
    variable tried {}
    variable judged {}
}

# Remember that it was tried to write something of the present state.
proc standin::note {command given} {
    variable products
    variable tried
    if {[dict exists $given -hierarchical]} { append command " -hierarchical" }
    if {[dict exists $products $command]} { lappend tried [dict get $products $command] }
}

foreach standin::name {report_timing_summary report_power report_drc report_utilization} {
    proc standin::$standin::name {given} {
        write [dict get $given -file] [which]
    }
}

proc standin::write {path text} {
    set file [open $path w]
    puts -nonewline $file $text
    close $file
}

# Which design the present one is: a dictionary. Files are known by their names, and memories' contents count.
proc standin::which {} {
    variable design
    foreach name $design {
        variable $name
        dict set which $name [set $name]
    }
    return $which
}

# Names and contents of files.
proc standin::texts {paths} {
    set texts {}
    foreach path $paths { lappend texts [file tail $path] [content $path] }
    return $texts
}

proc standin::write_checkpoint {given} {
    variable kept
    variable state
    if {[dict exists $given -incremental_synth]} {
        if {$state ne "synth"} { violation "write_checkpoint -incremental_synth in state $state" }
        if {![scenario incremental_synth 1]} { error "ERROR: \[Common 17-170\] Unknown option '-incremental_synth'" }
    }
    foreach name $kept {
        variable $name
        dict set holds $name [set $name]
    }
    write [dict get $given 0] [list $state [dict exists $given -incremental_synth] [which] $holds]
}

# What a checkpoint holds: state, whether it was written for incremental synthesis, which design, and the rest.
proc standin::checkpoint {path} {
    set holds [content $path]
    if {[catch {llength $holds} words] || $words != 4} { error "ERROR: \[Common 17-69\] $path is not a checkpoint" }
    return $holds
}

proc standin::open_checkpoint {given} {
    variable state
    variable products
    variable endings
    variable tried
    variable design
    variable opened
    set path [dict get $given 0]
    lassign [checkpoint $path] state - opened holds
    dict for {name value} [dict merge $opened $holds] { variable $name $value }
    foreach product [dict values $products] {
        set file [file rootname $path][dict get $endings $product]
        # which design a report is of
        if {[file isfile $file] && ($product eq "checkpoint" || [content $file] eq $opened)} { lappend tried $product }
    }
}

proc standin::read_checkpoint {given} {
    variable state
    variable references
    set path [dict get $given 0]
    if {![dict exists $given -incremental]} { violation "read_checkpoint without -incremental reads a source" }
    set for [expr {$state eq "start" ? "synth" : "routed"}]
    lassign [checkpoint $path] of incremental which
    if {$of ne $for} { violation "read_checkpoint has a design of state $of where one of state $for belongs" }
    if {$for eq "synth" && !$incremental && [scenario incremental_synth 1]} { violation "the reference is not for incremental synthesis" }
    dict set references $for $which
}

# A reference is of the same device, top and mode; nothing may come between it and the step that it is for.
proc standin::check_reference {for} {
    variable references
    if {![dict exists $references $for]} { return }
    foreach name {part top mode} {
        variable $name
        if {[dict get $references $for $name] ne [set $name]} { violation "the reference has another $name" }
    }
}

proc standin::read_saif {given} {
    variable top
    variable activity [dict get $given 0]
    variable tried
    if {![dict exists $given -strip_path]} { violation "read_saif takes two levels away" }
    if {![regexp {\(INSTANCE (\S+)} [content $activity] - first]} { violation "read_saif reads no instance" }
    if {[dict get $given -strip_path] ne $first} { violation "read_saif takes away what is not there" }
    # a report of before does not have it
    set tried [lsearch -all -inline -not -exact $tried power]
    if {[dict exists $given -out_file]} { write [dict get $given -out_file] {} }
}

proc standin::version {given} {
    return [scenario version 2023.1]
}

# Everything there is to write of the present state has been written, or it was tried.
proc standin::require_products {} {
    variable products
    variable tried
    variable state
    foreach product [dict values $products] {
        if {$product ni $tried} { violation "no $product of state $state" }
    }
}

proc standin::get_timing_paths {given} {
    if {[dict size [dict filter $given key -setup -hold]] != 1} { violation "get_timing_paths is not for one of -setup, -hold" }
    return path:[expr {[dict exists $given -setup] ? "setup" : "hold"}]
}

proc standin::get_property {given} {
    variable judged
    variable passes
    if {[dict get $given 0] ne "SLACK"} { violation "get_property [dict get $given 0] is unknown" }
    set check [objects $given 1 path]
    set slacks [scenario $check 0.1]
    set slack [lindex $slacks [expr {min($passes, [llength $slacks] - 1)}]]
    dict set judged $check $slack
    return $slack
}

proc standin::get_drc_checks {given} {
    return check:[dict get $given 0]
}

proc standin::set_property {given} {
    variable severities
    variable clocks
    variable mode
    variable places
    variable levels
    variable configuration
    switch -- [dict get $given 0] {
        SEVERITY {
            dict set severities [objects $given 2 check] [dict get $given 1]
        }
        PACKAGE_PIN { dict set places [lindex [objects $given 2 port] 0] [dict get $given 1] }
        IOSTANDARD { dict set levels [lindex [objects $given 2 port] 0] [dict get $given 1] }
        CFGBVS - CONFIG_VOLTAGE - CONFIG_MODE - BITSTREAM.CONFIG.SPI_BUSWIDTH {
            objects $given 2 design
            dict set configuration [dict get $given 0] [dict get $given 1]
        }
        ASYNC_REG {
            if {[dict get $given 1] ne "TRUE"} { violation "ASYNC_REG is not TRUE" }
            objects $given 2 cell
        }
        HD.CLK_SRC {
            if {$mode ne "out_of_context"} { violation "HD.CLK_SRC belongs to a design out of context" }
            if {![dict exists $clocks [objects $given 2 port]]} { violation "HD.CLK_SRC on a port without a clock" }
        }
        default {
            violation "set_property [dict get $given 0] is unknown"
        }
    }
}

proc standin::write_bitstream {given} {
    variable mode
    variable severities
    variable bitstream
    variable places
    variable levels
    if {$mode ne "default"} { violation "write_bitstream out of context" }
    require_met
    foreach {check table} [list NSTD-1 $levels UCIO-1 $places] {
        if {[dict size $table]} { continue }
        if {![dict exists $severities $check] || [dict get $severities $check] ne "Warning"} {
            violation "write_bitstream with $check an error"
        }
    }
    write [dict get $given 0] [which]
    set bitstream 1
}

proc standin::write_cfgmem {given} {
    variable flash
    variable configuration
    # a bitstream is made for a width of SPI, which is 1 unless set
    if {[regexp {^SPIx(\d)$} [dict get $given -interface] - width]} {
        set has [dict merge {BITSTREAM.CONFIG.SPI_BUSWIDTH 1} $configuration]
        if {[dict get $has BITSTREAM.CONFIG.SPI_BUSWIDTH] != $width} { violation "write_cfgmem has a bitstream of another width of SPI" }
    }
    if {[dict get $given -format] ne "mcs"} { violation "write_cfgmem has the format [dict get $given -format]" }
    close [open [dict get $given -file] w]
    set flash 1
}

# The slacks of the design as it is have been asked for, and are met.
proc standin::require_met {} {
    variable judged
    foreach check {setup hold} {
        if {![dict exists $judged $check]} { violation "the $check slack was not asked for" }
        if {[dict get $judged $check] < 0} { violation "$check is not met" }
    }
}

# What has to be true when the script ends.
proc standin::finish {status} {
    variable state
    variable mode
    variable bitstream
    if {$state in {synth placed routed}} { require_products }
    if {$status == 0} {
        if {$state ne "routed"} { violation "the end in state $state" }
        require_met
        if {($mode eq "default") != $bitstream} { violation "the end without a bitstream" }
        require_present
    }
}

# The design is made of what the script was given, and of its files as they are.
proc standin::require_present {} {
    variable given
    variable top
    variable part
    variable text
    variable memory_texts
    variable constraint_texts
    variable activity
    foreach {name value} [list top $top part $part] {
        if {[dict get $given $name] ne $value} { violation "the end with another $name" }
    }
    set folder [dict get $given folder]
    foreach name [content [file join $folder $top.f]] { append present [content [file join $folder $name]] }
    if {$present ne $text} { violation "the end with other sources" }
    if {$memory_texts ne [texts [lsort [glob -nocomplain -directory $folder *.mem]]]} { violation "the end with other memories" }
    set board [file join $folder $top.xdc]
    set constraints [expr {[file isfile $board] ? $board : [file join [dict get $given out] constraints.xdc]}]
    if {$constraint_texts ne [texts [list $constraints]]} { violation "the end with other constraints" }
    if {[dict exists $given saif] && $activity ne [file normalize [dict get $given saif]]} { violation "the end without activity" }
}

rename exit standin::leave
proc exit {{status 0}} {
    catch { standin::finish $status }
    flush stdout
    standin::leave $status
}

set argv [lassign $argv standin::path standin::scenario script]
set standin::given {}
foreach standin::name $argv {
    dict set standin::given {*}[lrange [regexp -inline {^(\w*)=?(.*)} $standin::name] 1 2]
}
set standin::channel [open $standin::path w]
standin::define $standin::syntax
# Vivado's Tcl is 8.5
foreach standin::name {try throw lmap tailcall coroutine yield} {
    if {[llength [info commands $standin::name]]} { rename $standin::name {} }
}
source $script
exit
