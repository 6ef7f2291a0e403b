# Stand-ins for the commands by which Vivado makes a block design, to run fpga/series7/vivado/block_design.tcl without it:
#
#     tclsh block_design_standins.tcl RECORD SCENARIO SCRIPT [name=value ...]
#
# RECORD gets a line per call, its words separated by tabs, and a line that begins with `violation` for every rule that was broken:
# cells, pins and interfaces exist, with the names that the IPs' guides have; an interface joins a master to a slave of its kind, once;
# a net has one driver, of the kind that its pins take; what has to be connected is, when the design is validated; widths of streams
# agree; steps come in order. SCENARIO is a dictionary: lacks: an IP that this Vivado does not have; slack: the worst slack of the
# run; progress: how far the run gets; parts: those that this Vivado has.

namespace eval standin {
    # Of each IP: interfaces as name {kind mode}, and pins as name {kind direction}. `!` after a name: it has to be connected.
    variable ips {
        processing_system7 {
            M_AXI_GP0! {axi master} S_AXI_HP0! {axi slave} M_AXI_GP0_ACLK! {clock in} S_AXI_HP0_ACLK! {clock in}
            FCLK_CLK0! {clock out} FCLK_RESET0_N! {reset out}
        }
        zynq_ultra_ps_e {
            M_AXI_HPM0_FPD! {axi master} S_AXI_HP0_FPD! {axi slave} maxihpm0_fpd_aclk! {clock in} saxihp0_fpd_aclk! {clock in}
            pl_clk0! {clock out} pl_resetn0! {reset out}
        }
        proc_sys_reset {
            slowest_sync_clk! {clock in} ext_reset_in! {reset in} peripheral_aresetn {reset out} interconnect_aresetn {reset out}
        }
        smartconnect {aclk! {clock in} aresetn! {reset in}}
        axi_dma {
            S_AXI_LITE! {axi slave} M_AXI_SG! {axi master} M_AXI_MM2S! {axi master} M_AXI_S2MM! {axi master}
            M_AXIS_MM2S! {stream master} S_AXIS_S2MM! {stream slave} s_axi_lite_aclk! {clock in} m_axi_sg_aclk! {clock in}
            m_axi_mm2s_aclk! {clock in} m_axi_s2mm_aclk! {clock in} axi_resetn! {reset in} mm2s_prmry_reset_out_n {reset out}
            s2mm_prmry_reset_out_n {reset out} mm2s_introut {interrupt out} s2mm_introut {interrupt out}
        }
        axis_dwidth_converter {S_AXIS! {stream slave} M_AXIS! {stream master} aclk! {clock in} aresetn! {reset in}}
    }
    # Settings that each has.
    variable settings {
        processing_system7 {CONFIG.PCW_USE_S_AXI_HP0 CONFIG.PCW_USE_M_AXI_GP0 CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ}
        zynq_ultra_ps_e {
            CONFIG.PSU__USE__S_AXI_GP2 CONFIG.PSU__USE__M_AXI_GP0 CONFIG.PSU__USE__M_AXI_GP1 CONFIG.PSU__USE__M_AXI_GP2
            CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ
        }
        proc_sys_reset {}
        smartconnect {CONFIG.NUM_SI CONFIG.NUM_MI}
        axi_dma {
            CONFIG.c_include_sg CONFIG.c_sg_include_stscntrl_strm CONFIG.c_sg_length_width CONFIG.c_m_axi_mm2s_data_width
            CONFIG.c_m_axis_mm2s_tdata_width CONFIG.c_m_axi_s2mm_data_width CONFIG.c_s_axis_s2mm_tdata_width
        }
        axis_dwidth_converter {CONFIG.S_TDATA_NUM_BYTES CONFIG.M_TDATA_NUM_BYTES CONFIG.HAS_TLAST CONFIG.HAS_TKEEP}
    }
    variable state start
    variable sources {}
    variable cells {}
    variable config {}
    variable joined {}
    variable nets {}
    variable automated 0
    variable project {}
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

# A command that is legal in some states, after which there is another.
proc standin::step {name states next} {
    variable state
    if {$state ni $states} { violation "$name is not legal in state $state" }
    if {$next ne ""} { set state $next }
}

# The pins of a cell as name {kind way}, without marks.
proc standin::pins {cell} {
    variable cells
    if {![dict exists $cells $cell]} { violation "there is no cell $cell" }
    set known {}
    dict for {name about} [dict get $cells $cell pins] { dict set known [string trimright $name !] $about }
    return $known
}

proc standin::about {pin kinds} {
    lassign [split $pin /] cell name
    set known [pins $cell]
    if {![dict exists $known $name]} { violation "$cell has no $name" }
    set about [dict get $known $name]
    if {[lindex $about 0] ni $kinds} { violation "$pin is a [lindex $about 0]" }
    return $about
}

# Bytes of a stream's data at a pin.
proc standin::width {pin} {
    variable cells
    variable config
    lassign [split $pin /] cell name
    switch [dict get $cells $cell ip] {
        axi_dma {
            set key [expr {$name eq "M_AXIS_MM2S" ? "CONFIG.c_m_axis_mm2s_tdata_width" : "CONFIG.c_s_axis_s2mm_tdata_width"}]
            return [expr {[dict get $config $cell $key] / 8}]
        }
        axis_dwidth_converter { return [dict get $config $cell CONFIG.[string index $name 0]_TDATA_NUM_BYTES] }
        default { return [dict get $cells $cell widths $name] }
    }
}

proc get_parts {args} {
    standin::record get_parts {*}$args
    set known [standin::scenario parts {xc7z020clg400-1 xczu3eg-sbva484-1-e xck26-sfvc784-2LV-c}]
    return [expr {[lindex $args end] in $known ? [lindex $args end] : {}}]
}

proc create_project {args} {
    standin::record create_project {*}$args
    standin::step create_project start project
    if {[lindex $args 0] ne "-force" || [lindex $args 3] ne "-part"} { standin::violation "create_project $args" }
    set standin::project [lindex $args 2]
    file mkdir $standin::project
}

proc current_project {} { return project }
proc current_fileset {} { return sources_1 }

proc add_files {args} {
    standin::record add_files {*}$args
    standin::step add_files {project wrapped} {}
    if {[lindex $args 0] ne "-norecurse"} { standin::violation "add_files $args" }
    foreach name [lindex $args 1] {
        if {![file isfile $name] && $name ne "system_wrapper.v"} { standin::violation "there is no $name" }
        lappend standin::sources [file rootname [file tail $name]]
    }
}

proc create_bd_design {name} {
    standin::record create_bd_design $name
    standin::step create_bd_design project design
}

proc get_ipdefs {pattern} {
    standin::record get_ipdefs $pattern
    set name [lindex [split $pattern :] 2]
    if {![dict exists $standin::ips $name] || [standin::scenario lacks {}] eq $name} { return {} }
    return [list xilinx.com:ip:$name:1.9 xilinx.com:ip:$name:1.10]
}

proc create_bd_cell {args} {
    standin::record create_bd_cell {*}$args
    standin::step create_bd_cell design {}
    set cell [lindex $args end]
    if {[dict exists $standin::cells $cell]} { standin::violation "there is a cell $cell already" }
    if {[lrange $args 0 2] eq [list -type ip -vlnv]} {
        lassign [split [lindex $args 3] :] - - name version
        if {$version ne "1.10"} { standin::violation "$name $version is not the newest" }
        dict set standin::cells $cell [dict create ip $name pins [dict get $standin::ips $name]]
    } elseif {[lrange $args 0 2] eq [list -type module -reference]} {
        dict set standin::cells $cell [standin::module [lindex $args 3]]
    } else {
        standin::violation "create_bd_cell $args"
    }
    dict set standin::config $cell {}
    return $cell
}

# A module's streams, clock and reset, by its Verilog.
proc standin::module {name} {
    variable sources
    variable given
    if {$name ni $sources} { violation "no source has the module $name" }
    set channel [open [file join [dict get $given folder] $name.v]]
    set text [read $channel]
    close $channel
    set pins {aclk! {clock in} aresetn! {reset in}}
    set widths {}
    foreach {stream mode way} {s_axis slave in m_axis master out} {
        regexp "${way}put wire \\\[(\\d+):0\\\] ${stream}_tdata" $text -> high
        dict set widths $stream [expr {($high + 1) / 8}]
        lappend pins $stream! [list stream $mode]
    }
    return [dict create ip module pins $pins widths $widths]
}

proc get_bd_cells {name} {
    standin::pins $name
    return $name
}
proc get_bd_pins {name} { return $name }
proc get_bd_intf_pins {name} { return $name }

proc set_property {args} {
    standin::record set_property {*}$args
    if {[lindex $args 0] ne "-dict"} {
        lassign $args name value object
        if {$name ni {board_part verilog_define synth_checkpoint_mode top}} { standin::violation "set_property $name is unknown" }
        return
    }
    lassign $args - values cell
    set ip [dict get $standin::cells $cell ip]
    dict for {name value} $values {
        if {$name ni [dict get $standin::settings $ip]} { standin::violation "$ip has no $name" }
        dict set standin::config $cell $name $value
        if {$ip eq "smartconnect"} {
            for {set number 0} {$number < $value} {incr number} {
                set end [expr {$name eq "CONFIG.NUM_SI" ? "S" : "M"}]
                dict set standin::cells $cell pins [format "%s%02d_AXI!" $end $number] [list axi [expr {$end eq "S" ? "slave" : "master"}]]
            }
        }
    }
}

proc apply_bd_automation {args} {
    standin::record apply_bd_automation {*}$args
    set ip [dict get $standin::cells [lindex $args end] ip]
    if {[lindex $args 1] ne "xilinx.com:bd_rule:$ip"} { standin::violation "no rule [lindex $args 1] for $ip" }
    if {[llength [lindex $args 3]] % 2} { standin::violation "the rule's settings are no pairs" }
    set standin::automated 1
}

proc connect_bd_intf_net {from to} {
    standin::record connect_bd_intf_net $from $to
    standin::step connect_bd_intf_net design {}
    lassign [standin::about $from {axi stream}] kind mode
    lassign [standin::about $to {axi stream}] other way
    if {$kind ne $other} { standin::violation "$from is $kind, $to is $other" }
    if {$mode ne "master" || $way ne "slave"} { standin::violation "$from is a $mode, $to is a $way" }
    foreach end [list $from $to] {
        if {$end in $standin::joined} { standin::violation "$end is connected twice" }
        lappend standin::joined $end
    }
    if {$kind eq "stream" && [standin::width $from] != [standin::width $to]} {
        standin::violation "$from has [standin::width $from] bytes, $to [standin::width $to]"
    }
}

proc connect_bd_net {from to} {
    standin::record connect_bd_net $from $to
    standin::step connect_bd_net design {}
    lassign [standin::about $from {clock reset}] kind way
    lassign [standin::about $to {clock reset}] other into
    if {$kind ne $other} { standin::violation "$from is a $kind, $to is a $other" }
    if {$way ne "out" || $into ne "in"} { standin::violation "$from to $to is no way" }
    if {[dict exists $standin::nets $to]} { standin::violation "$to is driven twice" }
    dict set standin::nets $to $from
}

proc assign_bd_address {} {
    standin::record assign_bd_address
    standin::step assign_bd_address design addressed
}

proc validate_bd_design {} {
    standin::record validate_bd_design
    standin::step validate_bd_design addressed validated
    if {!$standin::automated} { standin::violation "the processor's own ports lead nowhere" }
    set driven [concat [dict keys $standin::nets] [dict values $standin::nets] $standin::joined]
    dict for {cell about} $standin::cells {
        foreach name [dict keys [dict get $about pins]] {
            set pin $cell/[string trimright $name !]
            if {[string match *! $name] && $pin ni $driven} { standin::violation "$pin is not connected" }
        }
    }
    if {[dict get $standin::config dma CONFIG.c_include_sg] != 1} { standin::violation "the DMA has no descriptors" }
}

proc save_bd_design {} {
    standin::record save_bd_design
    standin::step save_bd_design validated saved
}

proc get_files {name} {
    standin::step get_files {saved wrapped} {}
    return $name
}

proc make_wrapper {args} {
    standin::record make_wrapper {*}$args
    standin::step make_wrapper saved wrapped
    return system_wrapper.v
}

proc launch_runs {args} {
    standin::record launch_runs {*}$args
    standin::step launch_runs wrapped running
    if {[lrange $args 0 2] ne "impl_1 -to_step write_bitstream"} { standin::violation "launch_runs $args" }
}

proc wait_on_run {name} {
    standin::record wait_on_run $name
    standin::step wait_on_run running ran
    set runs [file join $standin::project [file tail [file dirname $standin::project]].runs impl_1]
    set name [dict get $standin::given top]
    foreach path [list $name.runs/impl_1/system_wrapper.bit $name.gen/sources_1/bd/system/hw_handoff/system.hwh] {
        set path [file join $standin::project $path]
        file mkdir [file dirname $path]
        close [open $path w]
    }
}

proc get_runs {name} { return $name }

proc get_property {name object} {
    standin::record get_property $name $object
    standin::step get_property ran {}
    switch $name {
        PROGRESS { return [standin::scenario progress 100%] }
        STATUS { return "route_design ERROR" }
        STATS.WNS - STATS.WHS { return [standin::scenario slack 0.1] }
        default { standin::violation "get_property $name is unknown" }
    }
}

set argv [lassign $argv standin::path standin::scenario script]
set standin::given {}
foreach standin::name $argv {
    dict set standin::given {*}[lrange [regexp -inline {^(\w*)=?(.*)} $standin::name] 1 2]
}
set standin::channel [open $standin::path w]
# Vivado's Tcl is 8.5
foreach standin::name {try throw lmap tailcall coroutine yield} {
    if {[llength [info commands $standin::name]]} { rename $standin::name {} }
}
source $script
exit 0
