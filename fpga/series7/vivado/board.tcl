# From the folder that `sigmabit board` writes to a bitstream for that board, and what its flash takes. See docs/boards/vivado.md.
#
#     vivado -mode batch -source board.tcl \
#         -tclargs folder=DIR top=NAME part=PART clock_mhz=F out=DIR interface=BPIx16 megabytes=N

source [file join [file dirname [info script]] flow.tcl]

set flow::more_arguments {interface megabytes}
set flow::more_files {.mcs .prm}

proc board {run} {
    dict with run {
        set xdc [file join $folder $top.xdc]
        if {![file isfile $xdc]} { flow::refuse "there is no $top.xdc in $folder" }
        if {$interface ni {BPIx8 BPIx16 SPIx1 SPIx2 SPIx4 SPIx8}} { flow::refuse "interface=$interface is no way to a flash" }
        if {![regexp {^[1-9]\d*$} $megabytes]} { flow::refuse "megabytes=$megabytes is not a number" }
    }
    flow::synthesise $run default $xdc
    flow::implement $run
    flow::judge $run
    set bit [flow::bitstream_file $run]
    flow::step write_bitstream -force $bit
    flow::step write_cfgmem -force -format mcs -interface $interface -size $megabytes -loadbit "up 0x0 $bit" -file $top.mcs
}

flow::main board
