# Vivado's part of the Makefile. Whoever includes it may set any of these before, and BITSTREAM_NEEDS to what makes the Verilog.

PART ?= xc7vx690tffg1761-2
CLOCK_MHZ ?= 200
VIVADO ?= vivado
BOARD ?=
VERILOG ?= build/verilog
TOP ?= top
OUT ?= build/vivado

VIVADO_SCRIPTS := $(dir $(lastword $(MAKEFILE_LIST)))

# A board's part, clock and flash are in a file that `sigmabit board` has written; without a board, part and clock are given.
BITSTREAM_SCRIPT := $(if $(BOARD),board,bitstream)
chosen = $(if $(BOARD),$$(cat '$(VERILOG)/vivado.args'),'part=$(PART)' 'clock_mhz=$(CLOCK_MHZ)')

# $(1): the script, without its folder and ending
vivado_command = $(VIVADO) -mode batch -notrace -log '$(OUT)/vivado.log' -journal '$(OUT)/vivado.jou' \
-source '$(VIVADO_SCRIPTS)$(1).tcl' -tclargs 'folder=$(VERILOG)' 'top=$(or $(TOP),NAME)' $(chosen) 'out=$(OUT)'

# before anything is made for it, when the top has no name yet
ifneq ($(filter bitstream out-of-context,$(MAKECMDGOALS)),)
ifeq ($(shell command -v '$(VIVADO)' 2>/dev/null),)
would_run := $(foreach goal,$(filter bitstream out-of-context,$(MAKECMDGOALS)),\
$(call vivado_command,$(if $(filter bitstream,$(goal)),$(BITSTREAM_SCRIPT),out_of_context)))
$(error $(VIVADO) is not on PATH, and only Vivado makes bitstreams; it would have run: $(strip $(would_run)))
endif
endif

define run_vivado
@mkdir -p '$(OUT)'
$(call vivado_command,$(1))
endef

.PHONY: bitstream out-of-context

bitstream: $(BITSTREAM_NEEDS) ## a bitstream by Vivado, with its reports, in OUT
	$(call run_vivado,$(BITSTREAM_SCRIPT))

out-of-context: $(BITSTREAM_NEEDS) ## the core alone through Vivado's place and route, with its reports, in OUT
	$(call run_vivado,out_of_context)
