"""Layers put together from what the walk over the graph finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...arithmetic.steps import Steps
from ...layers.concatenation import Concatenation
from ...layers.layer import Layer
from ...layers.normalisation import falls, real_values
from ...layers.pool import Pool
from ...layers.quantiser import Quantiser
from ...layers.recode import Recode
from ...layers.residual import Residual
from ...layers.threshold import Threshold
from ...layers.window import Window
from ...types.grid import Grid
from ...types.range import BITS, Range
from ...types.scalar import Chain, Float, Rowwise
from ...types.tensor import TensorType
from .decisions import Accumulators, Decision, decide, decide_or_refuse, quantises
from .joins import Added, Common, Unquantised, Way, check_width
from .model_file import Node
from .operands import value_grid
from .scalar_nodes import Refusal
from .sums import build_layer, chain_of_sums, codes_decision, sums_decision
from .symbols import Codes, Frame, Sums, Symbol, per_channel
from .trials import Trials

CODES = Grid(1, 0, 1.0)
"""Of codes that stand for themselves."""

Builder = Callable[[str], Layer]
"""Makes a layer of the given name, once the order of the input is settled."""


def numbered(kinds: Iterable[str]) -> list[str]:
    """Names by kind and number: conv1, pool1, conv2, ..."""
    counts = Counter[str]()
    names = []
    for kind in kinds:
        counts[kind] += 1
        names.append(f"{kind}{counts[kind]}")
    return names


@dataclass(frozen=True)
class _Planned:
    """taken: how many layers stand before the stream that it takes, or that its two ways begin at; ways: before their ends."""

    kind: str
    build: Builder
    taken: int
    ways: tuple[int, ...] = ()


class Assembly:
    """The layers so far, in order. A stream is known by the number of layers that there were when it came to be. More than one
    layer may take it, if their ways meet again in a sum.

    contested: nodes whose sums have been codes of one quantiser when another one took them; on a stream as they are both can.
    """

    def __init__(self) -> None:
        self.planned: list[_Planned] = []
        self.taking = 0
        self.enclosed: set[int] = set()
        self.feeding: dict[str, str] = {}
        self.closed: dict[Sums | Added | Unquantised, list[tuple[Decision, Codes]]] = {}
        self.unclosed: dict[Sums | Added, Unquantised] = {}
        self.trials = Trials()
        self.variations: dict[int, float] = {}
        self.contested: set[str] = set()

    @property
    def stage(self) -> int:
        """Number of layers so far."""
        return len(self.planned)

    @property
    def kinds(self) -> list[str]:
        """Of the layers so far, one each."""
        return [planned.kind for planned in self.planned]

    def names(self) -> list[str]:
        """Names by kind and number."""
        return numbered(self.kinds)

    @property
    def uneven(self) -> tuple[tuple[str, float], ...]:
        """Layers whose weights differ within rounding, and by how much of their size."""
        names = self.names()
        return tuple((names[number], variation) for number, variation in self.variations.items() if variation)

    def layers(self) -> tuple[Layer, ...]:
        """The layers themselves."""
        return self.between(0, self.stage)

    def between(self, start: int, end: int) -> tuple[Layer, ...]:
        """Those on the way from one stream to another."""
        names = self.names()
        return tuple(self.planned[stage - 1].build(names[stage - 1]) for stage in self.way(start, end))

    def way(self, start: int, end: int) -> list[int]:
        """The streams on the way from one to another, the first left out."""
        found = []
        while end > start:
            found.append(end)
            end = self.planned[end - 1].taken
        return found[::-1]

    def add(self, kind: str, build: Builder, ways: tuple[int, ...] = ()) -> None:
        """One more layer, named by its kind, behind what was taken last."""
        self.planned.append(_Planned(kind, build, self.taking, ways))
        self.taking = self.stage

    def consume(self, source: Codes | Sums | Unquantised, taker: str) -> None:
        """Note that a node takes a stream, or what is behind it the sums of a layer, which are to be codes by then."""
        stage = source.codes.stage if isinstance(source, Sums) else source.stage
        if isinstance(source, Codes) and source.requantised is not None:
            raise Refusal(f"it takes the input as it was before {source.requantised}, a second quantiser")
        if stage in self.enclosed:
            raise Refusal("it takes an activation from inside two ways that have met in a sum before; ways must be nested")
        if isinstance(source, Sums):
            if source.node.name in self.feeding:
                self.contested.add(source.node.name)
                raise Refusal(
                    f"it takes the sums of {source.node.name}, which also feed {self.feeding[source.node.name]} as other codes; "
                    f"only what a quantiser gives can go two ways"
                )
            self.feeding[source.node.name] = taker
        source.consumer = taker
        self.taking = stage

    def codes(self, symbol: Symbol, taker: str) -> Symbol:
        """The activation as codes on a stream, for a layer that takes it: what it is made of becomes a layer.

        A chain behind codes stays one where it makes another grid of their grid. Raises Refusal, at the quantiser that gives
        more than two values.
        """
        symbol = self.on_stream(symbol)
        source = symbol.source
        if isinstance(source, Sums):
            return self.close(symbol, source, taker)
        if isinstance(source, Added):
            return self.close_sum(symbol, source)
        if isinstance(source, Unquantised):
            return self.quantise(symbol, source, taker)
        assert isinstance(source, Codes)
        try:
            value_grid(symbol, source)
        except Refusal:
            if symbol.chain.binarised or self.is_binary(symbol):
                return self.threshold(symbol, source, taker)
        return symbol

    def output(self, symbol: Symbol) -> Symbol:
        """The activation as the graph's output: what is behind its last quantiser stays a chain, which the host applies.

        Sums that are pooled have to become codes, if only by a rounding or by how few they are.
        """
        source, steps = symbol.source, symbol.chain.steps
        end = symbol.chain.binarised
        if not end and isinstance(source, Sums) and source.poolings:
            end = self.end_of_bits(symbol)
        elif not end:
            return symbol
        closed = self.codes(replace(symbol, chain=Chain(steps[:end])), "the output")
        return replace(closed, chain=Chain((*closed.chain.steps, *steps[end:])))

    def end_of_bits(self, symbol: Symbol) -> int:
        """After how many steps pooled sums are codes. Raises Refusal, at what should have made them bits or at the pooling."""
        source, steps = symbol.source, symbol.chain.steps
        assert isinstance(source, Sums)
        if quantises(Chain(tuple(step for pooling in source.poolings for step in pooling.before.steps))):
            return 0
        ends = range(next((i for i, step in enumerate(steps) if isinstance(step, Rowwise)), len(steps)) + 1)
        for end in ends:
            if self.is_binary(replace(symbol, chain=Chain(steps[:end]))):
                return end
        pooling = source.poolings[0]
        if any(step.jumps for step in (*pooling.before.steps, *steps)):
            return ends[-1]
        raise Refusal(f"{pooling.node.name} pools the scores; only quantised activations can be pooled", pooling.node.name)

    def is_binary(self, symbol: Symbol) -> bool:
        """Does an activation take no more than two values?"""
        source = symbol.source
        assert isinstance(source, Codes | Sums)
        try:
            chain, accumulators = codes_decision(symbol, source) if isinstance(source, Codes) else sums_decision(symbol, source)
        except Refusal:  # it differs between positions
            return False
        self.trials.count(chain, accumulators)
        return decide(chain, accumulators) is not None

    def on_stream(self, symbol: Symbol) -> Symbol:
        """An activation of sums as one of the stream that they are on, if they are on one unquantised."""
        source = symbol.source
        found = self.unclosed.get(source) if isinstance(source, Sums | Added) else None
        return symbol if found is None else replace(symbol, source=found)

    def threshold(self, symbol: Symbol, codes: Codes, taker: str) -> Symbol:
        """Binarised pixels, or bits whose meaning changes from element to element."""
        frame = codes.frame
        chain, accumulators = codes_decision(symbol, codes)
        self.trials.count(chain, accumulators)
        decision = decide_or_refuse(chain, accumulators)
        if decision.codes != BITS:
            return self.recode(symbol, codes, decision, taker)
        self.consume(codes, taker)
        thresholds = np.broadcast_to(decision.steps.thresholds, (frame.size,))
        falling = np.broadcast_to(decision.steps.falling, (frame.size,))
        nodes = tuple(dict.fromkeys(symbol.chain.nodes))

        def build(name: str) -> Layer:
            channels, height, width = frame.shape
            raster = frame.settled.transpose(1, 2, 0)
            return Threshold(name, nodes, TensorType(height, width, channels, codes.range), thresholds[raster], falling[raster])

        self.add("threshold", build)
        self._note_ties(chain, accumulators, decision)
        return Symbol(Codes(frame, self.stage, BITS, decision.grid), symbol.index)

    def recode(self, symbol: Symbol, codes: Codes, decision: Decision, taker: str) -> Symbol:
        """What a second quantiser makes of the codes of a first one."""
        if codes.frame.view is None:  # of codes that are assumed behind a refused node
            return Symbol(Codes(codes.frame, self.stage, decision.codes, decision.grid), symbol.index)
        thresholds, falling = decision.steps.thresholds, decision.steps.falling[:, None]
        every = range(codes.range.low, codes.range.high + 1)
        rows = np.stack([((code >= thresholds) ^ falling).sum(axis=1) for code in every], axis=1)  # one if all elements are alike
        places = codes.frame.settled if len(rows) > 1 else np.zeros((codes.frame.shape[0], 1), np.int64)
        by_channel = rows[places].reshape(codes.frame.shape[0], -1, codes.range.levels)
        if np.any(by_channel != by_channel[:, :1]):
            raise Refusal("it differs between positions of one channel", symbol.chain.culprit)
        nodes = tuple(dict.fromkeys(symbol.chain.nodes))
        found = self.table(codes, by_channel[:, 0], Codes(codes.frame, 0, decision.codes, decision.grid), nodes, taker)
        self._note_ties(*codes_decision(symbol, codes), decision)
        return Symbol(found, symbol.index)

    def table(self, codes: Codes, entries: NDArray[np.int64], result: Codes, nodes: tuple[str, ...], taker: str) -> Codes:
        """A layer that makes codes of codes: (channels, levels) entries, which are codes like those of `result`."""
        self.consume(codes, taker)
        channels, height, width = codes.frame.shape
        tensor = TensorType(height, width, channels, codes.range)
        self.add("recode", lambda name: Recode(name, nodes, tensor, entries, result.range))
        return replace(result, stage=self.stage)

    def numbers(self, symbol: Symbol) -> Float:
        """(channels, levels) the numbers that the graph makes of codes, rising or falling with them; one row if all are alike."""
        codes = symbol.source
        assert isinstance(codes, Codes)
        try:
            chain = per_channel(symbol.chain, codes.frame)
        except Refusal:
            raise Refusal("one of its inputs differs between positions of one channel") from None
        reals = np.asarray(chain(codes.grid.reals(np.arange(codes.range.low, codes.range.high + 1))[None]), np.float32)
        moves = np.diff(reals, axis=1)
        if not np.isfinite(reals).all() or np.any((moves > 0).any(axis=1) & (moves < 0).any(axis=1)):
            raise Refusal(f"one of its inputs turns, after {', '.join(symbol.chain.nodes)}; a quantiser makes codes of it")
        return reals

    def on_grid(self, symbol: Symbol, numbers: Float, common: Common, node: Node) -> Codes:
        """An activation that takes such numbers, as codes of a grid that has all of them."""
        codes = symbol.source
        assert isinstance(codes, Codes)
        entries, natural = common.entries(numbers), np.arange(codes.range.low, codes.range.high + 1)
        if np.all(entries == natural):
            return Codes(codes.frame, codes.stage, codes.range, common.grid)
        nodes = tuple(dict.fromkeys((node.name, *symbol.chain.nodes)))
        result = Codes(codes.frame, 0, Range.of_levels(len(common.numbers)), common.grid)
        entries = np.broadcast_to(entries, (codes.frame.shape[0], codes.range.levels))
        return self.table(codes, entries, result, nodes, node.name)

    def beside(self, node: Node, first: Codes, second: Codes) -> Codes:
        """The channels of two streams of codes on one grid, side by side."""
        (channels, height, width), (more, *size) = first.frame.shape, second.frame.shape
        if [height, width] != size:
            raise Refusal(f"it joins activations of {height} x {width} and {size[0]} x {size[1]} positions, expected as many")
        for source in (first, second):
            self.consume(source, node.name)
        ends = first.stage, second.stage
        fork = self.fork(*ends)
        for end in ends:
            self.enclosed.update(self.way(fork, end))
        tensor = TensorType(height, width, channels, first.range)

        def build(name: str) -> Layer:
            main, skip = (self.between(fork, end) for end in ends)
            start = main[0].input if main else skip[0].input if skip else tensor
            return Concatenation(name, (node.name,), start, main, skip)

        self.taking = fork
        self.add("concat", build, ends)
        codes = Range(min(first.range.low, second.range.low), max(first.range.high, second.range.high))
        return Codes(Frame.of((channels + more, height, width)), self.stage, codes, first.grid)

    def close(self, symbol: Symbol, sums: Sums, taker: str) -> Symbol:
        """A layer of weights, its poolings and all that is done to single elements up to the next layer."""
        befores = [pooling.before for pooling in sums.poolings]
        whole, accumulators = sums_decision(symbol, sums)
        self.trials.count(whole, accumulators)
        decision = decide_or_refuse(whole, accumulators)
        known = self.known(sums, decision)
        if known is not None:
            return Symbol(known, symbol.index)
        self.consume(sums, taker)
        steps = decision.steps
        # a falling channel is negated: its bit is 1 from minus the last accumulator below the step on
        flips = steps.falling if steps.thresholds.ndim == 1 else steps.falling[:, None]
        thresholds = np.where(flips, accumulators.stride - steps.thresholds, steps.thresholds)
        nodes = tuple(dict.fromkeys((sums.node.name, *whole.nodes)))
        self.variations[self.stage] = sums.variation
        self.add(
            "dense" if sums.window is None else "conv",
            lambda name: build_layer(name, nodes, sums, thresholds, steps.falling),
        )
        self._note_ties(whole, accumulators, decision, sums.variation)
        inner = Chain()
        for pooling, part in zip(sums.poolings, befores, strict=True):
            inner = Chain((*inner.steps, *part.steps))
            self.trials.count(inner, accumulators)
            inner_chain = inner.without_zeros if decision.zeros else inner
            try:
                inner_falls = falls(
                    lambda a, f=inner_chain: f(accumulators.reals(a)),  # type: ignore[misc]
                    accumulators.low,
                    accumulators.high,
                    accumulators.stride,
                )
            except ValueError as error:
                raise Refusal(f"what {pooling.node.name} pools before it is not monotone: {error}", whole.culprit) from None
            # The maximum over f is f at the largest sum, or at the smallest where f falls. The code there is the largest of
            # all codes if the whole function and f rise or fall together, and the smallest if not.
            self.pool(pooling.node, pooling.window, steps.falling ^ inner_falls, decision.codes)
        return Symbol(self.give(sums, decision), symbol.index)

    def known(self, sums: Sums | Added | Unquantised, decision: Decision) -> Codes | None:
        """The same codes of the same sums, if they have been taken before."""
        return next((codes for before, codes in self.closed.get(sums, ()) if _alike(before, decision)), None)

    def give(self, sums: Sums | Added | Unquantised, decision: Decision) -> Codes:
        """The codes of sums, which the last layer gives."""
        codes = Codes(sums.frame, self.stage, decision.codes, decision.grid)
        self.closed.setdefault(sums, []).append((decision, codes))
        return codes

    def way_into_sum(self, symbol: Symbol, node: Node) -> Way:
        """What a sum of two activations adds: codes, or sums that are given as they are."""
        if symbol.chain.binarised:
            symbol = self.output(symbol)
        symbol = self.on_stream(symbol)
        source = symbol.source
        try:
            each = per_channel(symbol.chain, source.frame)
        except Refusal:
            raise Refusal("one of its inputs differs between positions of one channel") from None
        if isinstance(source, Sums | Added):
            if isinstance(source, Sums) and source.poolings:
                raise Refusal(f"it adds what {source.poolings[0].node.name} pools, which is not quantised")
            source = self.unquantised(source, node.name)
        assert isinstance(source, Codes | Unquantised)
        self.consume(source, node.name)
        if isinstance(source, Unquantised):
            self.trials.count(each, source.numbers)
            return source.way(each)
        channels, grid = source.frame.shape[0], source.grid
        low, high = (np.full(channels, end, np.int64) for end in (source.range.low, source.range.high))
        numbers = Accumulators(low, high, 1, lambda a: each(grid.reals(a)), lambda a: each(grid.values(a) * grid.scale))
        return Way(source.stage, source.range, numbers, each.nodes)

    def unquantised(self, source: Sums | Added, taker: str) -> Unquantised:
        """Sums put on a stream as they are. Raises Refusal where they have been taken as codes, or are too wide."""
        if source in self.unclosed:
            return self.unclosed[source]
        if isinstance(source, Sums):
            self.consume(source, taker)
            layer, scale = build_layer("", (), source, None, None), source.scale[:, None]
            check_width(source.node, layer.output.codes)
            self.scores(source)
            reals, exact = lambda a: real_values(a, scale, Chain()), lambda a: a * scale
            codes, numbers, added = layer.output.codes, Accumulators(*layer.accumulator_range, 1, reals, exact), None
        else:
            self._check_open(source)
            check_width(source.node, source.codes)
            codes, numbers, added = source.codes, source.numbers(), source
            self.join(source, source.gains, None, (source.node.name,))
        found = Unquantised(source.node, self.stage, source.frame, codes, numbers, added, source.variation)
        self.unclosed[source] = found
        return found

    def quantise(self, symbol: Symbol, sums: Unquantised, taker: str) -> Symbol:
        """Codes of sums that are on a stream as they are."""
        chain = chain_of_sums(symbol, sums.frame)
        self.trials.count(chain, sums.numbers)
        decision = decide_or_refuse(chain, sums.numbers)
        sums.check(chain)
        known = self.known(sums, decision)
        if known is not None and known.stage not in self.enclosed:
            return Symbol(known, symbol.index)
        self.consume(sums, taker)
        falling = decision.steps.falling
        thresholds = decision.steps.thresholds.reshape(len(falling), -1)
        thresholds = np.where(falling[:, None], 1 - thresholds, thresholds)
        channels, height, width = sums.frame.shape
        tensor, nodes = TensorType(height, width, channels, sums.codes), tuple(dict.fromkeys(chain.nodes))
        self.add("quantiser", lambda name: Quantiser(name, nodes, tensor, Steps(thresholds), falling))
        self._note_ties(chain, sums.numbers, decision, sums.variation)
        return Symbol(self.give(sums, decision), symbol.index)

    def _check_open(self, added: Added) -> None:
        """Refuse a sum of two ways that has been closed."""
        if added in self.closed:
            self.contested.add(added.node.name)
            raise Refusal(
                f"it takes {added.node.name} in other codes than a layer before; only what a quantiser gives can go two ways"
            )

    def close_sum(self, symbol: Symbol, added: Added) -> Symbol:
        """A sum of two activations, and all that is done to single elements up to the next layer."""
        chain = chain_of_sums(symbol, added.frame)
        numbers = added.numbers()
        self.trials.count(chain, numbers)
        decision = decide_or_refuse(chain, numbers)
        added.check(chain)
        known = self.known(added, decision)
        if known is not None:
            return Symbol(known, symbol.index)
        self._check_open(added)
        steps = decision.steps
        falling = steps.falling[:, None]
        thresholds = steps.thresholds.reshape(len(falling), -1)
        thresholds, gains = np.where(falling, 1 - thresholds, thresholds), np.where(steps.falling, -added.gains, added.gains)
        self.join(added, gains, Steps(thresholds), tuple(dict.fromkeys((added.node.name, *chain.nodes))))
        self._note_ties(chain, numbers, decision, added.variation)
        return Symbol(self.give(added, decision), symbol.index)

    def join(self, added: Added, gains: NDArray[np.int64], steps: Steps | None, nodes: tuple[str, ...]) -> None:
        """The layer of a sum of two ways."""
        ends = [way.stage for way in added.ways]
        fork, lengths = self.fork(*ends), []
        for end in ends:
            inside = self.way(fork, end)
            lengths.append(len(inside))
            self.enclosed.update(inside)
        order = (1, 0) if lengths[1] > lengths[0] else (0, 1)

        def build(name: str) -> Layer:
            main, skip = (self.between(fork, ends[number]) for number in order)
            first = (*main, *skip)[0]
            return Residual(name, nodes, first.input, main, skip, gains[list(order)], steps)

        self.taking = fork
        self.add("add", build, tuple(ends))

    def fork(self, first: int, second: int) -> int:
        """The stream at which the ways to two streams part."""
        behind = {0, *self.way(0, first)}
        return max(stage for stage in (0, *self.way(0, second)) if stage in behind)

    def pool(self, node: Node, window: Window, every: NDArray[np.bool_], codes: Range) -> None:
        """Pooling of codes; every: where it takes the smallest."""
        tensor = TensorType(window.rows.size, window.columns.size, len(every), codes)
        self.add("pool", lambda name: Pool(name, (node.name,), tensor, window, every))

    def scores(self, sums: Sums) -> None:
        """A layer of weights at the network's end."""
        if sums.poolings:
            raise Refusal(f"{sums.poolings[0].node.name} pools the scores; only quantised activations can be pooled")
        self.taking = sums.codes.stage
        kind = "dense" if sums.window is None else "conv"
        self.variations[self.stage] = sums.variation
        self.add(kind, lambda name: build_layer(name, (sums.node.name,), sums, None, None))

    def note_ties_of_host(self, symbol: Symbol, sums: Sums) -> None:
        """List for which scores rounding decides what the host's quantisers make of them."""
        end = symbol.chain.binarised
        if end:
            chain, numbers = sums_decision(replace(symbol, chain=Chain(symbol.chain.steps[:end])), sums)
            self.trials.note_host(self.names()[-1], chain, numbers, sums.variation)

    def _note_ties(self, chain: Chain, accumulators: Accumulators, decision: Decision, variation: float = 0.0) -> None:
        """List what rounding decides, at each step of the chain that jumps, and what the zero of a Sign does."""
        self.trials.note(self.names()[-1], chain, accumulators, decision, variation)


def _alike(first: Decision, second: Decision) -> bool:
    """Are two codes of the same sums the same?"""
    steps = (first.steps, second.steps)
    thresholds, falling = (np.array_equal(*(getattr(step, part) for step in steps)) for part in ("thresholds", "falling"))
    return first.grid == second.grid and thresholds and falling
