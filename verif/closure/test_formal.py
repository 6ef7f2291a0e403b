"""The bench of proofs: what holds is proven, what does not is shown with a history, and nothing else is taken for proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from sigmabit.hdl.verilog.convert import Port

from .formal import Claims, Fault, Problem, Unproven

BLOCK = """\
module counting (clk, rst, step, go, count, done);
input clk, rst, step, go;
output [2:0] count;
output done;
reg [2:0] count, shadow;
assign done = count == 5;
always @(posedge clk)
    if (rst) begin count <= 0; shadow <= 0; end
    else if (step) begin
        count <= (count == 5) ? 0 : count + 1;
        shadow <= (shadow == 5) ? 0 : shadow + 1;
    end

endmodule
"""

CLAIMS = """\
module counting_claims #(parameter int LIMIT = 5) (input clk, rst, step, input [2:0] count, shadow);
    reg running = 0;
    always @(posedge clk) running <= 1;
    always @* if (!running) assume (rst);
    always @* if (running) begin
        lemma_same: assert (count == shadow);
        bounded: assert (shadow <= LIMIT);
    end
endmodule
"""

PORTS = tuple(
    Port(name, output, bits, bits > 1) for name, output, bits in (("step", False, 1), ("go", False, 1), ("count", True, 3))
)
FAULT = Fault("lemma_same", "(shadow == 5) ? 0", "(shadow == 4) ? 0")


def problem(tmp_path: Path, limit: int = 5, claims: str = CLAIMS) -> Problem:
    """What counts to five, and what is claimed of it."""
    file = tmp_path / "counting_claims.sv"
    file.write_text(claims)
    said = Claims(file, "counting", {"LIMIT": limit})
    return Problem("counting", "counting", {"counting.v": BLOCK}, PORTS, (said,))


def test_proven(tmp_path: Path) -> None:
    """Both: the lemma first, then the other with its help."""
    assert problem(tmp_path).prove(tmp_path).assertions == ("lemma_same", "bounded")


def test_history(tmp_path: Path) -> None:
    """The shortest history of what fails has the count in each cycle."""
    with pytest.raises(Unproven, match=r"counting: bounded fails in cycle 7") as caught:
        problem(tmp_path, limit=4).prove(tmp_path)
    (line,) = (line for line in str(caught.value).splitlines() if line.startswith("shadow "))
    assert line.split()[-6:] == ["0", "1", "2", "3", "4", "5"]


def test_lemma_that_fails(tmp_path: Path) -> None:
    """It is not assumed."""
    with pytest.raises(Unproven, match="of the lemmas they do not follow from 3 cycles of all"):
        problem(tmp_path).faulty(FAULT).prove(tmp_path)


def test_fault(tmp_path: Path) -> None:
    """It breaks one assertion in the cycle after the fifth step, and not the other; it stands once in the text."""
    whole = problem(tmp_path)
    assert whole.breaks("lemma_same", tmp_path) == 0
    assert whole.faulty(FAULT).breaks("lemma_same", tmp_path) == 7
    assert whole.faulty(FAULT).breaks("bounded", tmp_path) == 0
    with pytest.raises(ValueError, match=r"'step' does not stand once in counting"):
        whole.faulty(Fault("bounded", "step", "go"))


def test_what_is_never_true(tmp_path: Path) -> None:
    """An assertion of which nothing is left in the circuit but its failure is not taken for one of which nothing is left."""
    with pytest.raises(Unproven, match="bounded fails"):
        problem(tmp_path, claims=CLAIMS.replace("shadow <= LIMIT", "0")).prove(tmp_path)


def test_time(tmp_path: Path) -> None:
    """What is not proven in time is not proven."""
    product = "(* anyconst *) reg [23:0] a, b;\n    wire [47:0] product = a * b;\n"  # never a prime
    hard = CLAIMS.replace("    reg running = 0;", f"    {product}    reg running = 0;")
    hard = hard.replace("shadow <= LIMIT", "product != 48'd140737488355213")
    with pytest.raises(Unproven, match="no proof of bounded in 1 s"):
        problem(tmp_path, claims=hard).prove(tmp_path, seconds=1)


def test_paths(tmp_path: Path) -> None:
    """A ready that an input is in the way of, and a valid that waits for ready, are found; a ready from registers is not."""
    ports = (Port("a_tready", True, 1, False), Port("b_tready", False, 1, False), Port("b_tvalid", True, 1, False))
    text = """\
module two (clk, go, a_tready, b_tready, b_tvalid);
input clk, go, b_tready;
output a_tready, b_tvalid;
reg here;
assign a_tready = here;
assign b_tvalid = here;
always @(posedge clk) here <= go;

endmodule
"""
    for old, new, found in (
        ("", "", []),
        ("a_tready = here", "a_tready = here & go", ["S4: * -> a_tready"]),
        ("b_tvalid = here", "b_tvalid = here & b_tready", ["S3: b_tready -> b_tvalid"]),
    ):
        assert Problem("two", "two", {"two.v": text.replace(old, new) if old else text}, ports, ()).paths(tmp_path) == found
