# Sigmabit: from a trained network to verified Verilog. `make` alone says what can be made.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# What sigmabit.toml says, where it is not given here
said = $(shell sed -nE 's/^$(1)[[:space:]]*=[[:space:]]*("([^"]*)"|([^"\#[:space:]]*)).*/\2\3/p' sigmabit.toml)
take = $(if $(filter undefined,$(origin $(1))),$(if $(call said,$(2)),$(eval override $(1) := $(call said,$(2)))))
ifneq ($(wildcard sigmabit.toml),)
$(foreach each,MODEL:model INPUT:input LABELS:labels INPUT_SCALE:input_scale SAMPLES:samples PLAN:plan PART:part CLOCK_MHZ:clock_mhz \
	BOARD:board BAUD:baud,$(call take,$(firstword $(subst :, ,$(each))),$(lastword $(subst :, ,$(each)))))
ifeq ($(origin PART)$(origin BOARD),undefinedoverride)
override PART :=#  the board's, which commands look up
endif
endif

# What may be given:
MODEL ?= models/digits_bcnn.onnx#    the network; without it `make sim` takes digits_vae, too
INPUT ?=#                            frames for `make sim` (.npy); without it the held-out digits, with their labels
LABELS ?=#                           their classes (.npy), for the accuracy
INPUT_SCALE ?=#                      step of the pixels, for models without a Quant node at the input; 1/255 without it
SAMPLES ?=#                          samples of each frame, for models that draw them
PLAN ?=#                             a plan.json; without it the fastest plan for PART is made
PART ?= xc7vx690tffg1761-2#          the device
CLOCK_MHZ ?= 200#                    its assumed clock; of an ECP5 or a GW2A, 100 unless given
BOARD ?=#                            a board, or its file (.toml), for `make bitstream` and `make package`: vc709 by Vivado; ulx3s, ecpix5, colorlight_i9 and tangnano20k by open tools; without it Vivado chooses the pins
LINK ?= uart#                        the way to the board: uart, or ethernet
BAUD ?= 921600#                      the rate of its serial line
IP ?=#                               the board's IPv4 address; 192.168.1.50 without it
MAC ?=#                              its MAC address; 02:53:42:00:00:01 without it
SAIF ?=#                             activity from a simulation, for Vivado's report of power
INCREMENTAL ?= 1#                    0: Vivado takes nothing from its earlier runs
NAME ?= digits_bcnn#                 what `make train` trains
DATA ?=#                             the folder of the larger data sets
PYTHON ?=#                           the Python to make .venv with; without it one of 3.11 to 3.13 is looked for
JOBS ?= auto#                        processes of `make test`: one more than processors, as some tests wait
ARGS ?=#                             more arguments for pytest

ifneq ($(wildcard models/$(MODEL).onnx),)
override MODEL := models/$(MODEL).onnx
endif

ifneq ($(words $(BOARD)),$(words $(firstword $(BOARD))))
$(error BOARD=$(BOARD): make cannot handle names with blanks; the sigmabit command can)
endif

ifeq ($(filter uart ethernet,$(LINK)),)
$(error LINK=$(LINK): expected uart or ethernet)
endif

ifneq ($(words $(CURDIR)),1)
$(error $(CURDIR): make cannot handle folders with a blank in their path; move this one)
endif

ifneq ($(words $(MODEL) $(firstword $(INPUT) none) $(firstword $(LABELS) none) $(firstword $(PLAN) none)),4)
$(error MODEL=$(MODEL): make cannot handle names with blanks; the sigmabit command can)
endif

STEM := $(basename $(notdir $(MODEL)))
ENVIRONMENT := .venv/installed
SIGMABIT := .venv/bin/sigmabit
WORKERS := $(if $(filter auto,$(JOBS)),$(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))),$(JOBS))
SOURCES := $(shell find golden hdl host verif scripts fpga -name '*.py' -o -name '*.cpp' -o -name '*.ys' -o -name '*.sv' -o -path 'fpga/*/rtl/*.v' -o -path 'fpga/rtl/*.v' -o -path 'hdl/family/*.csv')
export SIGMABIT_DATA ?= $(DATA)

ifeq ($(INPUT),)
ifneq ($(filter digits_bcnn digits_w2a2 digits_vae,$(STEM)),)
FRAMES := build/data/digits/x.npy
CLASSES := $(if $(filter digits_bcnn digits_w2a2,$(STEM)),build/data/digits/y.npy)
endif
else
FRAMES := $(INPUT)
CLASSES := $(LABELS)
endif

planned := $(if $(PLAN),--plan $(PLAN),$(if $(PART),--part $(PART)) --clock-mhz $(CLOCK_MHZ)) \
	$(if $(INPUT_SCALE),--input-scale $(INPUT_SCALE)) $(if $(SAMPLES),--samples $(SAMPLES))

on_board = $(if $(and $(filter-out vivado,$(FLOW)),$(filter file,$(origin CLOCK_MHZ))),,--clock-mhz $(CLOCK_MHZ)) $(if $(PLAN),--plan $(PLAN)) \
	$(if $(INPUT_SCALE),--input-scale $(INPUT_SCALE)) $(if $(SAMPLES),--samples $(SAMPLES))

.PHONY: help program setup sim check test closure lint docs tutorial convert synth train sampler-stats package clean

help: ## this list
	@echo "make TARGET [VARIABLE=value ...]"
	@echo
	@grep -hE '^[a-z-]+:.*##' Makefile fpga/routed.mk $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '!seen[$$1]++ { printf "  %-16s%s\n", $$1, $$2 }'
	@echo
	@sed -nE 's/^([A-Z_]+) \?= ?([^#]*)# +(.*)/\1\t\3\t\2/p' Makefile fpga/routed.mk | awk -F '\t' '{ printf "  %-16s%s%s\n", $$1, $$2, $$3 ? " [" $$3 "]" : "" }'

setup: $(ENVIRONMENT) ## the Python environment, in .venv

$(ENVIRONMENT): pyproject.toml
	@python=$$(scripts/check_system.sh $(PYTHON)) && $$python -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint,browser,ethernet]'
	@touch $@

# Hundreds of processes read our sources: each would compile them anew where Python is told to keep nothing.
export PYTHONDONTWRITEBYTECODE =

# Whatever is written by `>` has another name until it is whole: a make that was killed must not leave a target that looks made.
whole = mv $@.new $@
if_new = @cmp -s $@.new $@ && rm $@.new || $(whole)

# What a result was made with: a new file only if it differs, so that other variables are another result.
build/$(STEM)/settings: FORCE
	@mkdir -p $(@D)
	@echo '$(MODEL) $(FRAMES) $(CLASSES) $(planned)' > $@.new
	$(if_new)

FORCE:

ifeq ($(origin MODEL),file)
sim: ## MODEL's Verilog on every frame of INPUT, against golden and the float graph
	@$(MAKE) --no-print-directory sim MODEL=models/digits_bcnn.onnx
	@$(MAKE) --no-print-directory sim MODEL=models/digits_vae.onnx
else
sim: build/$(STEM)/sim.txt
	@cat $<
endif

build/$(STEM)/sim.txt: $(MODEL) $(FRAMES) $(CLASSES) $(PLAN) build/$(STEM)/settings $(SOURCES) $(ENVIRONMENT)
	$(if $(FRAMES),,$(error INPUT is missing: the frames for $(MODEL), as a .npy file))
	@$(SIGMABIT) verify $(MODEL) --input $(FRAMES) $(if $(CLASSES),--labels $(CLASSES)) $(planned) \
		--pictures $(@D) --report $(@D)/sim.json > $@.new || { cat $@.new; exit 1; }
	@$(whole)

given := $(MODEL) $(INPUT) $(LABELS) $(PLAN)
$(filter-out $(wildcard $(given)),$(given)):
	@echo "$@: there is no such file" >&2; exit 2

build/data/digits/x.npy: scripts/data/datasets.py $(ENVIRONMENT)
	@$(SIGMABIT) data digits -o $(@D)

build/data/digits/y.npy: build/data/digits/x.npy ;

check: lint ## what to run before every commit: golden, MyHDL with fewer examples, two whole networks; some minutes
	SIGMABIT_CONFIGS=2 .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q -k 'test_golden or test_myhdl' $(ARGS)
	.venv/bin/python -m pytest -n $(WORKERS) -q verif/networks/test_networks.py verif/networks/test_vaes.py -k 'test_verilog and digits' $(ARGS)

test: lint ## the whole regression (ARGS: for pytest)
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

closure: $(addprefix build/closure/,identity.txt differential.txt fuzz.txt sampler.txt suites.txt resets.txt mutants.txt sources.txt) ## what takes hours; what is done already stays done
	@tail -n 1 $^

build/closure/identity.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	.venv/bin/python -m sigmabit.verif.house.identity > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/differential.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	$(SIGMABIT) bench differential --graphs 3000 --seed 1 > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/fuzz.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	@for each in models:20000 plans:4000 boards:10000 arrays:20000 serial:4000; do \
		$(SIGMABIT) bench fuzz --kind $${each%:*} --files $${each#*:} --seed 1000000 --jobs $(WORKERS) -o $(@D)/fuzz || exit 1; \
		done > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/suites.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	.venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q -m long > $@.new || { cat $@.new; exit 1; }
	SIGMABIT_CONFIGS=200 .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal -q -k 'test_golden or test_myhdl' >> $@.new \
		|| { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/resets.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	SIGMABIT_RESETS=6 .venv/bin/python -m sigmabit.verif.closure.resets > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/mutants.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	SIGMABIT_RESETS=6 .venv/bin/python -m sigmabit.verif.closure.page --workers 2 > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/sources.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	.venv/bin/python -m sigmabit.verif.closure.sources.account --workers $(WORKERS) > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

build/closure/sampler.txt: $(SOURCES) $(ENVIRONMENT)
	@mkdir -p $(@D)
	$(SIGMABIT) sampler stats > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

lint: $(ENVIRONMENT) ## style and types of the Python, silent traps of the MyHDL
	.venv/bin/ruff check --quiet
	.venv/bin/ruff format --check --quiet
	cd src && ../.venv/bin/mypy --config-file ../pyproject.toml --cache-dir ../build/mypy -p sigmabit
	.venv/bin/python -m sigmabit.verif.house.lint_myhdl

docs: .venv/docs ## the site, in build/site: strictly, without a network; and the examples and tutorials that take longer, where what they need is there
	.venv/bin/python -m pytest -q -m long verif/commands/test_examples.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build

tutorial: .venv/tutorial ## both notebooks, executed and held against their pages; some minutes each
	.venv/bin/python docs/tutorial/execute.py

.venv/tutorial: $(ENVIRONMENT)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[tutorial,ecp5]'
	@touch $@

.venv/docs: $(ENVIRONMENT)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

convert: build/$(STEM)/verilog/plan.json ## MODEL's Verilog, in build/

build/$(STEM)/verilog/plan.json: $(MODEL) $(PLAN) build/$(STEM)/settings $(SOURCES) $(ENVIRONMENT)
	$(strip $(SIGMABIT) convert $(MODEL) $(planned) -o $(@D))

synth: build/$(STEM)/synth.txt ## MODEL's area and logic depth by Yosys, layer by layer
	@cat $<

build/$(STEM)/synth.txt: $(MODEL) $(PLAN) build/$(STEM)/settings $(SOURCES) $(ENVIRONMENT)
	@$(SIGMABIT) synth $(MODEL) $(planned) --report $(@D)/synth.json > $@.new
	@$(whole)

train: build/trained/$(NAME).onnx ## the network NAME, from its data

build/trained/$(NAME).onnx: $(wildcard $(addprefix scripts/,data/*.py interface/*.py networks/*.py training/*.py)) .venv/training
	@mkdir -p $(@D)
	$(SIGMABIT) train $(NAME) $(if $(DATA),--data $(DATA)) -o $@

.venv/training: $(ENVIRONMENT)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[training]'
	@touch $@

sampler-stats: $(ENVIRONMENT) ## 10^9 samples of the Gaussian sampler through every statistical test
	$(SIGMABIT) sampler stats

ifeq ($(BOARD),)
PLACE := build/$(STEM)
BITSTREAM_NEEDS := $(PLACE)/verilog/plan.json
verilog_command = $(strip $(SIGMABIT) convert $(MODEL) $(planned) -o $(PLACE)/verilog)
package_command = $(strip $(SIGMABIT) package $(MODEL) $(planned) $(if $(PLAN),--part $(PART)) -o $(PLACE)/package)
else
PLACE := build/$(STEM)/$(notdir $(BOARD))
BOARD_FILE := $(if $(filter %.toml,$(BOARD)),$(BOARD),$(firstword $(wildcard fpga/*/boards/$(BOARD).toml) fpga/series7/boards/$(BOARD).toml))
# whose tools make its bitstream: a family's, whose file parts says how its parts begin, or Vivado
FLOW := $(or $(firstword $(foreach parts,$(wildcard fpga/*/parts),$(shell grep -qs "^part *= *['\"]$$(cat $(parts))" '$(BOARD_FILE)' && basename $$(dirname $(parts))))),vivado)
BITSTREAM_NEEDS := $(PLACE)/verilog/board.json
linked := $(if $(filter ethernet,$(LINK)),--link ethernet $(if $(IP),--ip $(IP)) $(if $(MAC),--mac $(MAC)),--baud $(BAUD))
verilog_command = $(strip $(SIGMABIT) board $(MODEL) --board $(BOARD) $(linked) $(on_board) -o $(PLACE)/verilog)
package_command = $(strip $(SIGMABIT) package $(MODEL) $(patsubst part=%,--part %,$(filter part=%,$(ahead))) $(on_board) -o $(PLACE)/package)

$(PLACE)/verilog/board.json: $(MODEL) $(PLAN) $(PLACE)/settings $(BOARD_FILE) $(SOURCES) $(ENVIRONMENT)
	$(verilog_command)

$(PLACE)/settings: FORCE
	@mkdir -p $(@D)
	@echo '$(MODEL) $(BOARD) $(linked) $(on_board)' > $@.new
	$(if_new)
endif

ifneq ($(filter-out vivado,$(FLOW)),)
include fpga/routed.mk
else

# What Vivado and the package need to know, before anything is made. What is wrong with a variable is said here.
ifneq ($(filter bitstream out-of-context package,$(MAKECMDGOALS)),)
variables := MODEL PLAN BOARD LINK IP MAC PART CLOCK_MHZ BAUD SAMPLES INPUT_SCALE SAIF INCREMENTAL
ahead := $(shell $(or $(wildcard .venv/bin/python),$(shell scripts/check_system.sh $(PYTHON))) scripts/vivado_arguments.py \
	$(foreach name,$(variables),'$(name)=$(subst ','\'',$($(name)))') 2>&1)
ifeq ($(filter top=%,$(firstword $(ahead))),)
$(error $(ahead))
endif
TOP := $(patsubst top=%,%,$(firstword $(ahead)))
BOARD_ARGUMENTS := $(patsubst %,'%',$(wordlist 2,5,$(ahead)))
endif

program:
	@echo '$(if $(BOARD),BOARD=$(BOARD): $(if $(wildcard $(BOARD_FILE)),`make program` is for boards that nextpnr routes; Vivado'"'"'s hardware manager programs this one,there is no such board),BOARD is missing: `make program` sends a bitstream to one that nextpnr routes, such as BOARD=ulx3s)' >&2; exit 2

package: $(PLACE)/package/component.xml ## the core for Vivado's IP integrator and for FuseSoC, in build/

$(PLACE)/package/component.xml: $(MODEL) $(PLAN) $(PLACE)/package.command $(SOURCES) $(ENVIRONMENT)
	@rm -rf $(@D)
	$(package_command)

$(PLACE)/package.command: FORCE
	@mkdir -p $(@D)
	@echo '$(package_command)' > $@.new
	$(if_new)

VERILOG := $(PLACE)/verilog
OUT := $(PLACE)/vivado
out-of-context_first = $(if $(wildcard $(ENVIRONMENT)),,make setup &&) $(verilog_command) &&
bitstream_first = $(out-of-context_first) $(package_command) &&
include fpga/series7/vivado/vivado.mk

# before Vivado, which may fail, but nothing to run it again for
$(call escaped,$(OUT))/bitstream.done: | $(PLACE)/package/component.xml

endif

clean: ## away with build/ and .venv
	rm -rf build .venv src/sigmabit.egg-info
