# Vivado's part of the Makefile. Whoever includes it may set any of these before, and BITSTREAM_NEEDS to what makes the Verilog;
# for what is said where Vivado is missing, bitstream_first and out-of-context_first to commands that come before, each with `&&`.

PART ?= xc7vx690tffg1761-2
CLOCK_MHZ ?= 200
VIVADO ?= vivado
BOARD ?=
VERILOG ?= build/verilog
TOP ?= top
OUT ?= build/vivado
SAIF ?=
INCREMENTAL ?= 1

VIVADO_SCRIPTS := $(dir $(lastword $(MAKEFILE_LIST)))

# A board's part, clock and flash are also in a file that `sigmabit board` has written; without a board, part and clock are given.
BITSTREAM_SCRIPT := $(if $(BOARD),board,bitstream)
BOARD_ARGUMENTS ?= $$(cat '$(VERILOG)/vivado.args')
chosen = $(if $(BOARD),$(BOARD_ARGUMENTS),'part=$(PART)' 'clock_mhz=$(CLOCK_MHZ)')

# A target's script, without its folder and ending, and its results: those out of context have a folder of their own, so that
# neither target undoes what the other has done.
bitstream_script := $(BITSTREAM_SCRIPT)
bitstream_out = $(OUT)
out-of-context_script := out_of_context
out-of-context_out = $(OUT)/out_of_context

# $(1): the target
vivado_command = $(VIVADO) -mode batch -notrace -log '$($(1)_out)/vivado.log' -journal '$($(1)_out)/vivado.jou' \
-source '$(VIVADO_SCRIPTS)$($(1)_script).tcl' -tclargs 'folder=$(VERILOG)' 'top=$(or $(TOP),NAME)' $(chosen) 'out=$($(1)_out)' \
$(if $(SAIF),'saif=$(SAIF)') $(if $(filter-out 1,$(INCREMENTAL)),'incremental=$(INCREMENTAL)')

# before anything is made for it, when the top has no name yet
vivado_goals := $(filter bitstream out-of-context,$(MAKECMDGOALS))
ifneq ($(vivado_goals),)
ifneq ($(words $(SAIF)),$(words $(wildcard $(SAIF))))
$(error SAIF=$(SAIF): there is no such file)
endif
ifneq ($(and $(BOARD),$(filter out-of-context,$(vivado_goals))),)
$(error BOARD=$(BOARD): out-of-context is of the core alone, without a board)
endif
ifeq ($(shell command -v '$(VIVADO)' 2>/dev/null),)
would_run := $(foreach goal,$(vivado_goals),&& $($(goal)_first) mkdir -p '$($(goal)_out)' && $(call vivado_command,$(goal)))
$(error $(VIVADO) is not on PATH, and only Vivado makes bitstreams; make would have run: $(wordlist 2,9999,$(would_run)))
endif
endif

blank := $(subst ,, )
escaped = $(subst $(blank),\ ,$(1))

# What is there of the Verilog before it is made anew; names with blanks cannot be listed, and Vivado's script compares contents.
VERILOG_FILES := $(if $(word 2,$(VERILOG)),vivado-always,$(wildcard $(VERILOG)/*))
# what the conversion has removed since is no error, but a change
$(VERILOG_FILES):

.PHONY: bitstream out-of-context vivado-always

bitstream: $(call escaped,$(bitstream_out))/bitstream.done ## a bitstream by Vivado, with its reports, in OUT
	@echo '$(bitstream_out) is up to date'

out-of-context: $(call escaped,$(out-of-context_out))/out-of-context.done ## the core alone through Vivado's place and route, in OUT
	@echo '$(out-of-context_out) is up to date'

# Vivado runs where it has not ended well since something changed, or where the bitstream is gone. What it is told is compared by
# its text, once the Verilog is there and the top has its name.
define vivado_rules
$(call escaped,$($(1)_out))/$(1).done: $(BITSTREAM_NEEDS) $(VERILOG_FILES) $(wildcard $(VIVADO_SCRIPTS)*.tcl) $(SAIF) \
$(call escaped,$($(1)_out))/$(1).command $(if $(filter bitstream,$(1)),$(if $(wildcard $(call escaped,$(OUT))/*.bit),,vivado-always))
	@rm -f '$$@'
	$$(call vivado_command,$(1))
	@: > '$$@'

$(call escaped,$($(1)_out))/$(1).command: vivado-always | $(BITSTREAM_NEEDS)
	@mkdir -p '$$($(1)_out)'
	@[ "$$$$(cat '$$@' 2>/dev/null)" = '$$(subst ','\'',$$(call vivado_command,$(1)))' ] || \
		{ printf '%s\n' '$$(subst ','\'',$$(call vivado_command,$(1)))' > '$$@.new' && mv '$$@.new' '$$@'; }
endef

$(foreach target,bitstream out-of-context,$(eval $(call vivado_rules,$(target))))
