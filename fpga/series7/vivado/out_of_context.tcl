# The core alone, to be placed in a larger design: synthesised without I/O, placed and routed. See docs/boards/vivado.md.
#
#     vivado -mode batch -source out_of_context.tcl -tclargs folder=DIR top=NAME part=PART clock_mhz=F out=DIR

source [file join [file dirname [info script]] flow.tcl]

proc out_of_context {run} {
    flow::synthesise $run out_of_context
    flow::implement $run
    flow::judge $run
}

flow::main out_of_context
