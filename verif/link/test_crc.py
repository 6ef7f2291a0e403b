"""crc: of any bytes, in any pieces; the published check value."""

from __future__ import annotations

from typing import Any
from zlib import crc32 as zlib_crc32

from hypothesis import strategies as st

from sigmabit.golden.link.crc import RESIDUE, crc32
from sigmabit.hdl.link.crc import CrcConfig, crc
from sigmabit.hdl.verilog.stream import Flow, bit, wire

from ..harness.bench import Dut
from ..harness.suite import BlockSuite, GoldenTests, MyHdlTests, VerilogTests

Stimulus = tuple[list[tuple[bytes, int]], bytes]


class CrcSuite(BlockSuite):
    """Bytes or words, each followed by some cycles without one; bytes before the clear that begins it all count for nothing."""

    samples = (CrcConfig(), CrcConfig(4))
    examples = 40

    def configs(self) -> st.SearchStrategy[CrcConfig]:
        return st.sampled_from([CrcConfig(), CrcConfig(4)])

    def stimuli(self, config: CrcConfig) -> st.SearchStrategy[Stimulus]:
        byte = st.binary(min_size=config.bytes, max_size=config.bytes)
        return st.tuples(st.lists(st.tuples(byte, st.sampled_from([0, 0, 0, 2])), max_size=12), st.binary(max_size=3))

    def expected(self, config: CrcConfig, stimulus: Stimulus) -> list[int]:
        data = b"".join(byte for byte, _ in stimulus[0])
        return [zlib_crc32(data[:length]) for length in range(0, len(data) + 1, config.bytes)]

    def golden(self, config: CrcConfig, stimulus: Stimulus) -> list[int]:
        data = b"".join(byte for byte, _ in stimulus[0])
        return [crc32(data[:length]) for length in range(0, len(data) + 1, config.bytes)]

    def elaborate(self, config: CrcConfig) -> Any:
        return crc(bit(), bit(), Flow(8 * config.bytes), wire(32), config)

    def play(self, dut: Dut, config: CrcConfig, stimulus: Stimulus) -> list[int]:
        data, before = stimulus
        nothing = {"clear": 0, "sink_valid": 0, "sink_data": 0xA5}
        for earlier in before:
            dut.step({**nothing, "sink_valid": 1, "sink_data": earlier})
        dut.step({**nothing, "clear": 1, "sink_valid": 1})
        values = [dut.settle(nothing)["value"]]
        for byte, pause in data:
            dut.step({**nothing, "sink_valid": 1, "sink_data": int.from_bytes(byte, "little")})
            values.append(dut.settle(nothing)["value"])  # config.latency is one cycle
            for _ in range(pause):
                assert dut.step(nothing)["value"] == values[-1]
        return values


class TestGolden(CrcSuite, GoldenTests):
    def test_published(self) -> None:
        """The check value that catalogues of CRCs give, and the residue."""
        assert crc32(b"123456789") == 0xCBF43926
        assert crc32(b"123456789" + 0xCBF43926.to_bytes(4, "little")) == RESIDUE


class TestMyHdl(CrcSuite, MyHdlTests):
    pass


class TestVerilog(CrcSuite, VerilogTests):
    pass
