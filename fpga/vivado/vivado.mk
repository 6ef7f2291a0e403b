# Vivado's part of the Makefile. Whoever includes it may set any of these before, and BITSTREAM_NEEDS to what makes the Verilog.

PART ?= xc7vx690tffg1761-2
CLOCK_MHZ ?= 200
VIVADO ?= vivado
VERILOG ?= build/verilog
TOP ?= top
OUT ?= build/vivado

VIVADO_SCRIPTS := $(dir $(lastword $(MAKEFILE_LIST)))

# before anything is made for it
ifneq ($(filter bitstream out-of-context,$(MAKECMDGOALS)),)
ifeq ($(shell command -v '$(VIVADO)' 2>/dev/null),)
$(error $(VIVADO) is not on PATH, and only Vivado makes bitstreams)
endif
endif

# $(1): the script, without its folder and ending
define run_vivado
@mkdir -p '$(OUT)'
$(VIVADO) -mode batch -notrace -log '$(OUT)/vivado.log' -journal '$(OUT)/vivado.jou' -source '$(VIVADO_SCRIPTS)$(1).tcl' \
-tclargs 'folder=$(VERILOG)' 'top=$(TOP)' 'part=$(PART)' 'clock_mhz=$(CLOCK_MHZ)' 'out=$(OUT)'
endef

.PHONY: bitstream out-of-context

bitstream: $(BITSTREAM_NEEDS) ## a bitstream by Vivado, with its reports, in OUT
	$(call run_vivado,bitstream)

out-of-context: $(BITSTREAM_NEEDS) ## the core alone through Vivado's place and route, with its reports, in OUT
	$(call run_vivado,out_of_context)
