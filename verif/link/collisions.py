"""A memory in which a word that is read as it is written comes as anything: what block RAM of some devices gives."""

from __future__ import annotations

from myhdl import always, block

from sigmabit.hdl.verilog.stream import wire


@block
def colliding_bank(clk, write, write_address, write_data, read_address, read_data):
    """fabric.bank, but for such words, which come with all bits inverted."""
    words = [wire(len(write_data)) for _ in range(1 << len(read_address))]
    wrong = (1 << len(write_data)) - 1

    @always(clk.posedge)
    def store():
        if write:
            words[write_address].next = write_data

    @always(clk.posedge)
    def fetch():
        if write and write_address == read_address:
            read_data.next = write_data ^ wrong
        else:
            read_data.next = words[read_address]

    return store, fetch
