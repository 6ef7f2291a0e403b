# The Makefile's part for boards whose family is placed and routed by nextpnr: a bitstream, and programming by openFPGALoader. FLOW,
# the family's folder and the extra that brings its tools, PLACE, BOARD, BOARD_FILE and SIGMABIT are the Makefile's.

SEEDS ?= 8#                               most attempts to route for the board's clock

routed := $(PLACE)/routed
route_command = $(strip $(SIGMABIT) route $(MODEL) --board $(BOARD) $(linked) --seeds $(SEEDS) $(on_board) -o $(routed))

.PHONY: bitstream program package out-of-context

# What a bitstream was made with stands beside it once it is made: what is refused, or misses its clock, has made none.
asked := $(strip $(MODEL) $(BOARD) $(linked) $(on_board))
made_with := $(routed).settings
other := $(if $(wildcard $(made_with)),$(shell [ "$$(cat $(made_with))" = '$(subst ','\'',$(asked))' ] || echo FORCE),FORCE)

bitstream: $(routed)/route.json ## a bitstream in build/; for Xilinx by Vivado, for ECP5 and GW2A by nextpnr
	@echo '$(routed) is up to date'

$(routed)/route.json: $(MODEL) $(PLAN) $(BOARD_FILE) $(SOURCES) .venv/$(FLOW) $(other)
	$(route_command) || { status=$$?; $(if $(other),,rm -f $(made_with);) exit $$status; }
	@echo '$(subst ','\'',$(asked))' > $(made_with)

.venv/$(FLOW): $(ENVIRONMENT)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(FLOW)]'
	@touch $@

program: ## the bitstream that `make bitstream` has made to BOARD, by openFPGALoader
	@[ -e $(routed)/route.json ] || { echo '$(routed): there is no bitstream yet; make bitstream BOARD=$(BOARD) makes one' >&2; exit 2; }
	@[ -z '$(other)' ] || { echo "$(routed): the bitstream there was made with $$(cat $(made_with) 2> /dev/null || echo 'what was given up since'), not with "'$(subst ','\'',$(asked))'"; make bitstream with the same variables makes one of these" >&2; exit 2; }
	@for each in $(MODEL) $(PLAN) $(BOARD_FILE); do [ ! $$each -nt $(routed)/route.json ] || { \
		echo "$(routed): the bitstream there is older than $$each; make bitstream BOARD=$(BOARD) makes a new one" >&2; exit 2; }; done
	.venv/bin/openfpgaloader-cli --board $$(sed -n "s/^loader *= *['\"]\([^'\"]*\).*/\1/p" $(BOARD_FILE)) $(firstword $(wildcard $(routed)/*.bit $(routed)/*.fs)) || { \
		status=$$?; [ $$status != 127 ] || echo 'openFPGALoader needs libusb-1.0 and libftdi1 of the system' >&2; exit $$status; }

package out-of-context:
	@echo 'BOARD=$(BOARD): `make $@` is for Vivado; sigmabit convert writes the Verilog for any other tool' >&2; exit 2
