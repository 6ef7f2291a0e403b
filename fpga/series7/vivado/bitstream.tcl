# From the folder that `sigmabit convert` writes to a bitstream. See docs/boards/vivado.md.
#
#     vivado -mode batch -source bitstream.tcl -tclargs folder=DIR top=NAME part=PART clock_mhz=F out=DIR

source [file join [file dirname [info script]] flow.tcl]

proc bitstream {run} {
    flow::synthesise $run default
    flow::implement $run
    flow::judge $run
    # There is no board yet, hence no pins and no I/O standards: Vivado chooses them, and would then refuse to write the bitstream
    # (NSTD-1, UCIO-1). Such a bitstream shows that the design can be built; loaded on a board, its pins could fight what drives
    # them.
    foreach check {NSTD-1 UCIO-1} {
        set_property SEVERITY Warning [get_drc_checks $check]
    }
    flow::step write_bitstream -force [flow::bitstream_file $run]
}

flow::main bitstream
