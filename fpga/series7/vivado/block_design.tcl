# From the folder that `sigmabit convert` writes to a Zynq's bitstream: the core between the two ends of an AXI DMA, beside the
# processor. For Zynq-7000 and for Zynq UltraScale+ with Kria. See docs/boards/zynq.md.
#
#     vivado -mode batch -source block_design.tcl -tclargs folder=DIR top=NAME part=PART clock_mhz=F out=DIR [board_part=NAME]

source [file join [file dirname [info script]] flow.tcl]

set flow::parts {^xc(7z\d+s?[a-z]+\d+-\w+|(zu\d+(cg|eg|ev)|k2[46])-[a-z]+\d+-\w+-\w+)$}
set flow::parts_said "a part of Zynq-7000, Zynq UltraScale+ or Kria with package and speed grade"
set flow::more_files {.hwh}
dict set flow::optional board_part {}

namespace eval design {
    # Bytes of the DMA's streams.
    variable bytes 8

    # What differs between the processors: the IP and its settings; its master for registers and its slave to the memory, with
    # their clocks; where its clock and its reset come from; what leads outside.
    variable zynq7000 {
        ip processing_system7 settings {CONFIG.PCW_USE_S_AXI_HP0 1 CONFIG.PCW_USE_M_AXI_GP0 1} rate CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ
        master M_AXI_GP0 slave S_AXI_HP0 clocks {M_AXI_GP0_ACLK S_AXI_HP0_ACLK} clock FCLK_CLK0 reset FCLK_RESET0_N
        outside {make_external "FIXED_IO, DDR"}
    }
    variable ultrascale {
        ip zynq_ultra_ps_e settings {
            CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0
        } rate CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ
        master M_AXI_HPM0_FPD slave S_AXI_HP0_FPD clocks {maxihpm0_fpd_aclk saxihp0_fpd_aclk} clock pl_clk0 reset pl_resetn0
        outside {}
    }
}

# The bytes of a stream of the core, by the width of its data in the Verilog.
proc design::stream_bytes {run stream} {
    dict with run { set text [flow::content [file join $folder $top.v]] }
    if {![regexp "put wire \\\[(\\d+):0\\\] ${stream}_tdata" $text -> high]} { flow::refuse "$top has no stream $stream" }
    return [expr {($high + 1) / 8}]
}

# An IP, as new as this Vivado has it.
proc design::ip {name cell args} {
    set known [lsort -dictionary [flow::step get_ipdefs xilinx.com:ip:$name:*]]
    if {![llength $known]} { flow::refuse "this Vivado does not have $name" }
    flow::step create_bd_cell -type ip -vlnv [lindex $known end] $cell
    if {[llength $args]} { flow::step set_property -dict $args [get_bd_cells $cell] }
}

proc design::stream {from to} { flow::step connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to] }

proc design::net {from args} {
    foreach to $args { flow::step connect_bd_net [get_bd_pins $from] [get_bd_pins $to] }
}

# A stream through a converter of widths, where they differ. Returns the cells that need a clock and a reset.
proc design::converted {cell from from_bytes to to_bytes} {
    if {$from_bytes == $to_bytes} {
        stream $from $to
        return {}
    }
    ip axis_dwidth_converter $cell CONFIG.S_TDATA_NUM_BYTES $from_bytes CONFIG.M_TDATA_NUM_BYTES $to_bytes \
        CONFIG.HAS_TLAST 1 CONFIG.HAS_TKEEP 1
    stream $from $cell/S_AXIS
    stream $cell/M_AXIS $to
    return $cell
}

proc design::build {run} {
    variable bytes
    variable zynq7000
    variable ultrascale
    dict with run {}
    set processor [expr {[string match xc7z* $part] ? $zynq7000 : $ultrascale}]
    set in [stream_bytes $run s_axis]
    set out_bytes [stream_bytes $run m_axis]
    if {[regexp {put wire (\[\d+:0\] )?seed} [flow::content [file join $folder $top.v]]]} {
        flow::refuse "$top draws samples and takes a seed, for which the DMA has no way"
    }
    flow::step create_project -force $top [file join $out project] -part $part
    if {$board_part ne ""} { flow::step set_property board_part $board_part [current_project] }
    flow::step add_files -norecurse [concat $sources $memories]
    flow::step set_property verilog_define SIGMABIT_7SERIES [current_fileset]
    flow::step create_bd_design system

    dict with processor {
        ip $ip processor {*}$settings $rate $clock_mhz
        set preset [expr {$board_part ne ""}]
        flow::step apply_bd_automation -rule xilinx.com:bd_rule:$ip -config [concat $outside [list apply_board_preset $preset]] \
            [get_bd_cells processor]
        # a preset has its own ports and clocks
        flow::step set_property -dict [concat $settings $rate $clock_mhz] [get_bd_cells processor]
        ip proc_sys_reset reset
        ip smartconnect registers CONFIG.NUM_SI 1 CONFIG.NUM_MI 1
        ip smartconnect memory CONFIG.NUM_SI 3 CONFIG.NUM_MI 1
        ip axi_dma dma CONFIG.c_include_sg 1 CONFIG.c_sg_include_stscntrl_strm 0 CONFIG.c_sg_length_width 26 \
            CONFIG.c_m_axi_mm2s_data_width [expr {8 * $bytes}] CONFIG.c_m_axis_mm2s_tdata_width [expr {8 * $bytes}] \
            CONFIG.c_m_axi_s2mm_data_width [expr {8 * $bytes}] CONFIG.c_s_axis_s2mm_tdata_width [expr {8 * $bytes}]
        flow::step create_bd_cell -type module -reference $top core

        stream processor/$master registers/S00_AXI
        stream registers/M00_AXI dma/S_AXI_LITE
        stream dma/M_AXI_SG memory/S00_AXI
        stream dma/M_AXI_MM2S memory/S01_AXI
        stream dma/M_AXI_S2MM memory/S02_AXI
        stream memory/M00_AXI processor/$slave
        set converters [concat [converted entrance dma/M_AXIS_MM2S $bytes core/s_axis $in] \
            [converted exit core/m_axis $out_bytes dma/S_AXIS_S2MM $bytes]]

        net processor/$clock reset/slowest_sync_clk registers/aclk memory/aclk core/aclk dma/s_axi_lite_aclk dma/m_axi_sg_aclk \
            dma/m_axi_mm2s_aclk dma/m_axi_s2mm_aclk
        foreach name $clocks { net processor/$clock processor/$name }
        net processor/$reset reset/ext_reset_in
        net reset/peripheral_aresetn registers/aresetn memory/aresetn dma/axi_resetn
        # what resets the DMA resets the core with it
        net dma/mm2s_prmry_reset_out_n core/aresetn
        foreach cell $converters {
            net processor/$clock $cell/aclk
            net dma/mm2s_prmry_reset_out_n $cell/aresetn
        }
    }
    flow::step assign_bd_address
    flow::step validate_bd_design
    flow::step save_bd_design
    set bd [flow::step get_files system.bd]
    flow::step set_property synth_checkpoint_mode None $bd
    flow::step add_files -norecurse [flow::step make_wrapper -files $bd -top]
    flow::step set_property top system_wrapper [current_fileset]
    flow::step launch_runs impl_1 -to_step write_bitstream -jobs 2
    flow::step wait_on_run impl_1
    set done [flow::step get_property PROGRESS [get_runs impl_1]]
    if {$done ne "100%"} { error "the run ended at $done: [flow::step get_property STATUS [get_runs impl_1]]" }
    foreach {check slack} {setup STATS.WNS hold STATS.WHS} {
        set found [flow::step get_property $slack [get_runs impl_1]]
        if {![string is double -strict $found] || $found < 0} { error "$check is not met: the worst slack is $found ns" }
    }
    set project [file join $out project]
    foreach {pattern name} [list $top.runs/impl_1/system_wrapper.bit $top.bit $top.*/*/bd/system/hw_handoff/system.hwh $top.hwh] {
        set found [glob -nocomplain -directory $project $pattern]
        if {[llength $found] != 1} { error "there are [llength $found] files $pattern in $project" }
        file copy -force [lindex $found 0] [file join $out $name]
    }
}

flow::main design::build
