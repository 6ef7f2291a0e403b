# Stand-ins for Vivado's commands, to run the scripts of fpga/vivado without it:
#
#     tclsh vivado_standins.tcl RECORD SCENARIO SCRIPT [name=value ...]
#
# Every call is checked: its options and values, that its files exist, and that it is legal where it stands. RECORD gets a line
# per call, its words separated by tabs, and a line that begins with `violation` for every rule that was broken. The rules are
# stricter than Vivado, which would let a build pass that has no reports. SCENARIO is a dictionary: setup, hold: the worst slack
# after route_design and after each phys_opt_design that follows, the last one lasting; fails: a command that fails, always or the
# n-th time; parts: those that this Vivado has.

namespace eval standin {
    # Options and operands as UG835 writes them, as far as a build has a use for them. What stands in <> is a kind of value,
    # checked by `value`.
    variable syntax {
        get_parts             {[-quiet] <name>}
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
        write_checkpoint      {[-force] <dcp>}
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
    }
    # What has to be written of every state, and by which command.
    variable products {
        write_checkpoint checkpoint report_utilization utilization {report_utilization -hierarchical} hierarchical
        report_timing_summary timing report_power power report_drc drc
    }

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
    set top [dict get $given -top]
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
    constrain
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
        if {[dict exists $levels $port] && [dict get $levels $port] eq "LVDS"} { continue }
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

foreach standin::name {report_timing_summary report_power report_drc report_utilization write_checkpoint} {
    proc standin::$standin::name {given} {
        close [open [dict get $given [expr {[dict exists $given -file] ? "-file" : 0}]] w]
    }
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
        CFGBVS - CONFIG_VOLTAGE - CONFIG_MODE {
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
    close [open [dict get $given 0] w]
    set bitstream 1
}

proc standin::write_cfgmem {given} {
    variable flash
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
    }
}

rename exit standin::leave
proc exit {{status 0}} {
    catch { standin::finish $status }
    flush stdout
    standin::leave $status
}

set argv [lassign $argv standin::path standin::scenario script]
set standin::channel [open $standin::path w]
standin::define $standin::syntax
# Vivado's Tcl is 8.5
foreach standin::name {try throw lmap tailcall coroutine yield} {
    if {[llength [info commands $standin::name]]} { rename $standin::name {} }
}
source $script
exit
