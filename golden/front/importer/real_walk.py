"""The walk over the graph of a real-valued network: an autoencoder that samples latent variables, a classifier, a regressor.

Each layer knows what it reads, and going back from the output along what is read gives the network. What no layer on this way
takes is never built, and matters no more than nodes that the output does not depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ...layers.window import Window
from ...network.network import InputFormat
from ...network.real import RealBeside, RealLatent, RealLinear, RealNetwork
from ...types.coding import Coding
from ...types.grid import BIPOLAR
from ...types.range import BITS
from ...types.scalar import Add, Chain, Float, Function, Multiply, Rowwise, Step, coarse, fine
from . import choices, elementwise, latent, rearranging
from .affine import IDENTITY, Affine, Parts, Real, affine, line, split
from .assembly import Assembly, numbered
from .binary_walk import BinaryWalk
from .front import BINARISING, ROUNDING, last_binary
from .latent import OTHER_RANDOM, RANDOM, Joint, Noise, Sample, Scored, Spread
from .maxima import maxima
from .model_file import Graph, Node, leading_to
from .operands import (
    Array,
    activation,
    averaged_window,
    check_channels,
    constant,
    constant_kernels,
    groups_of,
    maxima_window,
    spread_kernels,
    with_bias,
)
from .real_layers import (
    MAX_WEIGHTS,
    PROBES,
    Beside,
    Coefficients,
    Intermediate,
    Linear,
    Reading,
    absorb,
    dense,
    matrix_of,
    read,
    shifted,
    side_by_side,
    side_by_side_functions,
)
from .repeated import RepeatedAxis, before_opset_11, merged, reblocked, repeats, resized, to_space
from .scalar_nodes import PIECES, QUANTISERS, Refusal, clip
from .symbols import MAX_ACTIVATION, PAD, Codes, Frame, Index, Input, Symbol, Unknown, Value, joined, unknown, unwrapped
from .transposed import blocked, transposed_axis
from .walk import ARITHMETIC, CONDITION, FLOAT_TYPES, Results, Walk

REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "ReduceSumSquare")
POOLED = {"ReduceMax": "GlobalMaxPool", "ReduceMean": "GlobalAveragePool"}
"""Reductions over all positions, by what pooling they are."""
REARRANGING = ("Gather", "Slice", "Split")
REPEATING = ("Expand", "Tile")
INPUT_AGAIN = "it joins the input to what is made of it; residual and other branches are not supported between real weights"
BRANCHES = "a network of real weights has no other branches"

MOST_SAMPLES = 2
"""Of a network, one behind the other."""

EXTREMES: dict[str, Callable[[Float, Float], Float]] = {"Max": np.maximum, "Min": np.minimum}


class RealWalk(Walk[RealNetwork, Real]):
    """One import of a real-valued network."""

    unfolded = (*QUANTISERS, *RANDOM, *OTHER_RANDOM)
    several = ("Split", "TopK")
    conditional = True

    def __init__(self, graph: Graph, path: str, coding: Coding | None) -> None:
        super().__init__(graph, path, coding)
        self.settle_input()
        self.noise: list[str] = []
        self.sampled: dict[str, str] = {}  # by the tensor of noise, the node that draws with it
        self.draws = latent.noisy(graph, graph.leading)
        self.weights = 0
        self.front: BinaryWalk | None = None
        self.visited: frozenset[Node] = frozenset()
        self.handlers |= {
            **dict.fromkeys(RANDOM, self.random),
            **dict.fromkeys(OTHER_RANDOM, self.other_random),
            **dict.fromkeys(REDUCTIONS, self.reduce),
            **dict.fromkeys(REARRANGING, self.rearrange),
            **dict.fromkeys(REPEATING, self.repeat),
            **dict.fromkeys(EXTREMES, self.extreme),
            **dict.fromkeys(choices.LOGIC, self.logic),
            **dict.fromkeys(PIECES, elementwise.shaped),
            "Concat": self.concat,
            "ConvTranspose": self.conv_transpose,
            "DepthToSpace": self.depth_to_space,
            **dict.fromkeys(("AveragePool", "GlobalAveragePool"), self.average_pool),
            **dict.fromkeys(("MaxPool", "GlobalMaxPool"), self.max_pool),
            **dict.fromkeys(("Resize", "Upsample"), self.resize),
            "Pad": partial(rearranging.pad, repeats=True),
            "Where": self.where,
        }

    def run(self) -> RealNetwork:
        self.begin()
        return super().run()

    def begin(self) -> None:
        """Import binary layers in front, if there are any, as those of a binary network, which takes no condition."""
        if self.graph_input.condition is not None:
            return
        nodes = self.graph.leading
        for operators in ((*BINARISING, *ROUNDING), BINARISING):
            tensor = last_binary(self.graph, nodes, operators)
            if tensor is None:
                return
            front = BinaryWalk(self.graph, self.path, self.coding)
            front.budget = self.budget
            visited = leading_to((tensor,), nodes)
            for node in visited:
                if self.budget.exhausted:
                    break
                front.visit(node)
            else:
                front.finish(tensor)
            if self.budget.exhausted or (front.assembly.stage and not front.findings):
                break  # otherwise nothing is binary up to a node that rounds, which may be part of the layers behind
        if not front.findings and not front.assembly.stage:
            return  # nothing but the input's own quantiser
        self.front, self.findings = front, front.findings
        self.visited = frozenset(visited)
        self.static |= front.static
        self.sized |= front.sized
        for name, value in front.values.items():
            if isinstance(value, Symbol) and not isinstance(value.source, Unknown) and name != tensor:
                inside = Intermediate(value.source.frame, f"it takes {name} inside the binary layers; branches are not supported")
                value = Symbol(inside, value.index)
            self.values[name] = value

    def nodes(self) -> tuple[Node, ...]:
        """Those that the output depends on, without binary layers in front."""
        return tuple(node for node in self.graph.leading if node not in self.visited)

    # the network, from its end

    def network(self, symbol: Symbol) -> RealNetwork:
        shape = symbol.shape
        symbol, host = _with_host(unwrapped(symbol))
        source = symbol.source
        self.settle_front()
        if isinstance(source, Sample | Scored):
            order = symbol.index.reshape(-1)
        else:
            taken = read(symbol)
            if isinstance(source, Beside):
                raise Refusal("it joins a condition to the output, which the host can do")
            if not isinstance(source, Linear):
                raise Refusal("no layer stands between the input and the output")
            place = np.empty(source.frame.size, np.int64)
            place[taken.view.transpose(1, 2, 0).reshape(-1)] = np.arange(taken.view.size)
            order = place[symbol.index.reshape(-1)]
        layers, first = self.back(symbol)
        if not self.noise:
            _check_smooth(layers)
        assembly = Assembly() if self.front is None else self.front.assembly
        return RealNetwork(
            self.graph.name,
            self.input(first),
            assembly.layers(),
            layers,
            self.graph.output,
            shape[1:],
            order,
            tuple(assembly.trials.ties),
            self.graph.omitted,
            assembly.uneven,
            BIPOLAR if self.front is None else shifted(BIPOLAR, BITS, first.shift, True)[0],
            host,
        )

    def back(self, symbol: Symbol) -> tuple[tuple[RealLinear | RealLatent, ...], Reading]:
        """The layers that lead to an activation, in order, and what the first of them reads."""
        source = symbol.source
        taken: Reading | None = None if isinstance(source, Sample | Scored) else read(symbol)
        found: list[RealLatent | tuple[Linear, Reading, RealBeside | None]] = []
        while not isinstance(source, Codes):
            if isinstance(source, Sample | Scored):
                drawn = source.sample if isinstance(source, Scored) else source
                found.append(drawn.layer)
                source = drawn.heads
                taken = Reading(source, Parts(IDENTITY, Chain(), IDENTITY), source.frame.settled, ())
            beside = None
            if isinstance(source, Beside):
                beside, taken, source = source.beside, source.taken, source.taken.source
            assert isinstance(source, Linear) and taken is not None
            found.append((source, taken, beside))
            taken = source.input
            source = taken.source
        assert taken is not None
        front = [] if self.front is None else self.front.assembly.kinds
        kinds = [layer[0].kind for layer in reversed(found) if not isinstance(layer, RealLatent)]
        names = iter(numbered((*front, *kinds))[len(front) :])
        layers: list[RealLinear | RealLatent] = []
        place = 0
        for layer in reversed(found):
            if isinstance(layer, RealLatent):
                layers.append(replace(layer, name=f"{layer.name}2" if place else layer.name, place=place))
                place += layer.latents
            else:
                layers.append(replace(layer[0].build(next(names), layer[1]), beside=layer[2]))
        return tuple(self.unshifted(layer, taken) for layer in layers), taken

    def unshifted(self, layer: RealLinear | RealLatent, first: Reading) -> RealLinear | RealLatent:
        """A layer whose condition's numbers are those of the input as the first layer reads it."""
        if layer.beside is None:
            return layer
        if len(self.noise) > 1:
            raise Refusal(
                "a condition is joined to a sample, and a second sample is drawn; a condition may be joined to a single one"
            )
        codes, beside = first.source, layer.beside
        assert isinstance(codes, Codes)
        _, factor = shifted(codes.grid, codes.range, first.shift, self.graph_input.real)
        return replace(layer, beside=replace(beside, gain=beside.gain / factor, offset=beside.offset - beside.gain * first.shift))

    def settle_front(self) -> None:
        """Let the input travel in its natural order if binary layers in front begin with it and nothing asks for another."""
        if self.front is not None:
            self.front.settle_input()

    def input(self, first: Reading) -> InputFormat:
        """How the graph's input becomes codes for the first layer."""
        if self.front is not None:
            return self.front.input()
        codes = first.source
        assert isinstance(codes, Codes)
        if codes is not self.graph_input.codes:
            raise Refusal("it takes the input in front of a second quantiser; branches are not supported", first.nodes[-1])
        quantiser = self.graph_input.quantiser
        grid, _ = shifted(codes.grid, codes.range, first.shift, quantiser is not None)
        if quantiser is not None and first.shift:
            quantiser = quantiser.then(Add(first.nodes[-1], np.asarray(np.float32(first.shift))))
        return self.graph_input.format(first.view, codes.range, grid, quantiser)

    # nodes of two activations

    def binary(self, node: Node, arguments: list[Value]) -> Value:
        first, second = arguments
        if not (isinstance(first, Symbol) and isinstance(second, Symbol)):
            return super().binary(node, arguments)
        if isinstance(first.source, Unknown) or isinstance(second.source, Unknown):
            return unknown(np.broadcast_shapes(first.shape, second.shape))
        for one, other in ((first, second), (second, first)):
            if isinstance(one.source, Input) and one.source is not other.source and self.graph_input.condition is not None:
                raise Refusal(f"it takes the input or a condition beside what is made of it; {CONDITION}")
            if isinstance(one.source, Noise):
                name = node.inputs[0] if other is first else node.inputs[1]
                if node.operator == "Add" and isinstance(other.source, Linear):
                    return self.sample(node, other, name, latent.steady(node, one, other))
                if node.operator != "Mul" or isinstance(other.source, Noise):
                    raise Refusal(f"it takes the noise {one.source.tensor}, which may only be part of mu + sigma * eps")
                return latent.spread(node, other, one)
            if isinstance(one.source, Spread):
                if node.operator != "Add":
                    raise Refusal(f"it takes sigma * eps of {one.source.node.name}; expected mu + sigma * eps")
                name = node.inputs[0] if other is first else node.inputs[1]
                return self.sample(node, other, name, one)
            if node.operator == "Add" and latent.frozen(one):
                raise Refusal(latent.FROZEN)
        return joined(node.name, ARITHMETIC[node.operator], first, second) or self.joint(node, arguments)

    def sample(self, node: Node, mean: Symbol, mean_tensor: str, noisy: Symbol) -> Symbol:
        """mu + sigma * eps, of noise that nothing has drawn with before."""
        spread = noisy.source
        assert isinstance(spread, latent.Spread)
        before = self.sampled.setdefault(spread.noise.tensor, node.name)
        if before != node.name:
            raise Refusal(f"it draws with the noise {spread.noise.tensor}, with which {before} does already; each draws its own")
        return latent.sample(node, mean, mean_tensor, noisy, self.tensor_of)

    def extreme(self, node: Node, arguments: list[Value]) -> Symbol:
        """Max or Min of an activation, constants, and others that are made of the same elements."""
        symbols = [a for a in arguments if isinstance(a, Symbol)]
        result = symbols[0]
        for other in symbols[1:]:
            both = joined(node.name, EXTREMES[node.operator], result, other)
            if both is None:
                raise Refusal("the extreme of two activations that are not made of the same elements")
            result = both
        for bound in (a for a in arguments if isinstance(a, np.ndarray)):
            low, high = (bound, None) if node.operator == "Max" else (None, bound)
            result = result.then([clip(node, low, high)])
        return result

    def tensor_of(self, symbol: Symbol, function: Affine) -> str | None:
        """The first tensor that holds the given function of the elements that a symbol is made of."""
        expected = function.of(symbol.index)
        for name, value in self.values.items():
            if isinstance(value, Symbol) and value.source is symbol.source and np.array_equal(value.index, symbol.index):
                held = affine(value.chain)
                if held is not None and all(np.allclose(a, b) for a, b in zip(held.of(value.index), expected, strict=True)):
                    return name
        return None

    def reduce(self, node: Node, arguments: list[Value]) -> Value:
        """A sum or a mean over a row, perhaps of squares or sizes: a dense layer of equal weights. Beside noise it may become a
        score. Over all positions, a pooling.
        """
        symbol = activation(arguments)
        row = len(symbol.shape) == 2 and _axes(node, arguments) in ((1,), (-1,))
        if node.operator in POOLED and self.over_positions(symbol, _axes(node, arguments)):
            pool = self.max_pool if node.operator == "ReduceMax" else self.average_pool
            pooled = pool(replace(node, operator=POOLED[node.operator], attributes={}), [symbol])
            return pooled if node.attributes.get("keepdims", 1) else pooled.rearranged(pooled.index.reshape(1, -1))
        if node.operator == "ReduceMax":
            raise Refusal(f"the largest of an activation of shape {symbol.shape}; only that of all positions is supported")
        if self.draws or not row or isinstance(symbol.source, Unknown):
            return self.joint(node, arguments)
        if node.operator in ("ReduceL2", "ReduceSumSquare"):
            squared = joined(node.name, np.multiply, symbol, symbol)
            assert squared is not None
            symbol = squared
        if node.operator == "ReduceL1":
            symbol = symbol.then([Function(node.name, np.abs)])
        if isinstance(symbol.source, Joint):
            raise Refusal(
                "it sums up a function of what two layers give, as a divergence is: a graph that draws z may give its scores "
                "beside it, others may end in means and logarithms, of which the host makes scores"
            )
        count = symbol.shape[1]
        result = self.product(
            node, self.on_stream(symbol), np.full((count, 1), 1 / count if node.operator == "ReduceMean" else 1.0)
        )
        if node.operator == "ReduceL2":
            result = result.then([Function(node.name, np.sqrt)])
        return result if node.attributes.get("keepdims", 1) else result.rearranged(result.index.reshape(1))

    def over_positions(self, symbol: Symbol, axes: tuple[int, ...]) -> bool:
        """Are these axes all positions of an image, or of a row of them?"""
        rank = len(symbol.shape)
        return rank in (3, 4) and sorted(axis % rank for axis in axes) == list(range(2, rank))

    def joint(self, node: Node, arguments: list[Value]) -> Value:
        """A node of heads, which may become a score."""
        if any(isinstance(a, Symbol) and isinstance(a.source, Unknown) for a in arguments):
            return self.placeholder(node)
        probes: list[Array] = [latent.probe_of(a) if isinstance(a, Symbol) else a for a in arguments if a is not None]
        result = self.fold(node, probes)[0]
        if result.shape[:1] != (PROBES,):
            raise Refusal("it mixes the frames of a batch")
        shape = (1, *result.shape[1:])
        frame = Frame.of((int(np.prod(shape)), 1, 1))
        reason = (
            f"it takes the result of {node.name}, which combines activations; residual and other branches are not supported "
            "between real weights"
        )
        probe = result.reshape(PROBES, -1).astype(np.float32)
        return Symbol(Joint(frame, reason, probe), np.arange(frame.size).reshape(shape))

    def concat(self, node: Node, arguments: list[Value]) -> Value:
        parts = [a for a in arguments if isinstance(a, Symbol)]
        if any(isinstance(part.source, Unknown) for part in parts):
            return self.placeholder(node)
        if len(parts) == len(arguments) and all(isinstance(part.source, Input) for part in parts):
            return self.inputs(node, parts)
        if len(parts) == len(arguments) and {type(part.source) for part in parts} == {Linear, Input}:
            return self.beside_results(node, parts)
        samples = [part.source for part in parts if isinstance(part.source, Sample)]
        dense = all(isinstance(part.source, Linear) and part.source.open and part.shape[:1] == (1,) for part in parts)
        beside = node.attributes.get("axis", 0) % len(parts[0].shape) > 0 and dense
        if not samples and len(parts) == len(arguments) and (beside or self._in_rows(node, parts)):
            return self.heads(node, parts)
        if samples and len(parts) == len(arguments) and {type(part.source) for part in parts} == {Sample, Input}:
            return self.conditioned(node, parts)
        if any(sample is not samples[0] for sample in samples):
            raise Refusal(
                "it joins two samples; heads of all latent variables from one layer make one, and one behind the other two"
            )
        if not samples or len(parts) < len(arguments):
            raise Refusal(
                "it joins activations of layers, which only dense ones, or a sample and its scores, may be; " + BRANCHES
            )
        if not self._in_rows(node, parts):
            raise Refusal(f"activations of shapes {[part.shape for part in parts]}; only rows (1, n) can be joined, over axis 1")
        return latent.scores(parts, samples[0])

    def inputs(self, node: Node, parts: list[Symbol]) -> Symbol:
        """Numbers of the input and of a condition in one tensor, each behind affine steps of its own."""
        index = np.asarray(self.fold(node, [part.index for part in parts])[0])
        if all(part.chain.steps == parts[0].chain.steps for part in parts):
            return parts[0].rearranged(index)
        gain, offset = np.full((2, parts[0].source.frame.size), np.nan)
        for part in parts:
            whole, elements = affine(part.chain), np.unique(part.index[part.index != PAD])
            if whole is None:
                raise Refusal(f"it joins the input behind {', '.join(dict.fromkeys(part.chain.nodes))}, which no layer absorbs")
            for numbers, found in zip((gain, offset), whole.of(elements), strict=True):
                if not np.all(np.isnan(numbers[elements]) | (numbers[elements] == found)):
                    raise Refusal("it joins two functions of the same numbers of the input")
                numbers[elements] = found
        steps = Multiply(node.name, np.nan_to_num(gain, nan=1.0)), Add(node.name, np.nan_to_num(offset))
        return Symbol(parts[0].source, index, Chain(steps))

    def conditioned(self, node: Node, parts: list[Symbol]) -> Symbol:
        """A sample and numbers of a condition, which travel beside it."""
        (sample, *others) = {id(part.source): part.source for part in parts if isinstance(part.source, Sample)}.values()
        assert isinstance(sample, Sample)
        if others or sample.layer.beside is not None:
            raise Refusal("it joins a condition to two samples, or two conditions to one: join all to it at once")
        latents = sample.layer.latents
        beside, symbol = self.side_by_side(node, parts, np.arange(latents), IDENTITY)
        joint = replace(sample, frame=symbol.source.frame, layer=replace(sample.layer, beside=beside))
        return replace(symbol, source=joint)

    def beside_results(self, node: Node, parts: list[Symbol]) -> Symbol:
        """What a dense layer gives, behind its function, and numbers of a condition."""
        results = [part for part in parts if isinstance(part.source, Linear)]
        source = results[0].source
        if self.graph_input.condition is None:
            raise Refusal(INPUT_AGAIN)
        if len(results) > 1 or not (isinstance(source, Linear) and source.open):
            raise Refusal("it joins a condition to what is not the result of one dense layer")
        if self.noise:
            raise Refusal("it joins a condition to a layer of a graph that draws samples: join all to the sample itself")
        taken = read(results[0])
        plain = [replace(part, chain=Chain()) if part is results[0] else part for part in parts]
        beside, symbol = self.side_by_side(node, plain, taken.view.reshape(-1), taken.parts.after)
        return replace(
            symbol, source=Beside(symbol.source.frame, replace(taken, parts=replace(taken.parts, after=IDENTITY)), beside)
        )

    def side_by_side(self, node: Node, parts: list[Symbol], elements: Index, after: Affine) -> tuple[RealBeside, Symbol]:
        """Numbers of a condition that travel beside others, which are the given elements of their source behind affine steps; and
        all of them as a symbol, without its source's details.
        """
        count, first = len(elements), self.graph_input.first
        place = np.full(elements.max() + 1, -1)
        place[elements] = np.arange(count)
        rows: dict[tuple[int, float, float], int] = {}
        gain, offset, index = np.ones(count), np.zeros(count), []
        for part in parts:
            of_condition = isinstance(part.source, Input)
            whole = affine(self.on_stream(part).chain, IDENTITY if of_condition else after)
            if whole is None or np.any(part.index == PAD):
                names = ", ".join(part.chain.nodes) or "a padding"
                raise Refusal(f"it joins what {names} gives; only a sample, or a layer's result, and a condition may be")
            gains, offsets = whole.of(part.index)
            if not of_condition:
                gain[place[part.index]], offset[place[part.index]] = gains, offsets
                index.append(place[part.index])
                continue
            if np.any(part.index < first):
                raise Refusal(INPUT_AGAIN)
            keys = zip(part.index.flat, gains.flat, offsets.flat, strict=True)
            places = [count + rows.setdefault((int(e), float(g), float(o)), len(rows)) for e, g, o in keys]
            index.append(np.array(places).reshape(part.index.shape))
        ones, none = np.ones(len(rows)), np.zeros(len(rows))
        steps = Multiply(node.name, np.concatenate([gain, ones])), Add(node.name, np.concatenate([offset, none]))
        chain = Chain(steps if np.any(gain != 1) or np.any(offset) else ())
        source = Intermediate(Frame.of((count + len(rows), 1, 1)), "")
        symbol = Symbol(source, np.asarray(self.fold(node, index)[0]), chain)
        return RealBeside(*map(np.array, zip(*rows, strict=True))), symbol

    def _in_rows(self, node: Node, parts: list[Symbol]) -> bool:
        """Does it join rows (1, n) to a longer one?"""
        return all(len(part.shape) == 2 for part in parts) and node.attributes.get("axis") in (1, -1)

    def heads(self, node: Node, parts: list[Symbol]) -> Symbol:
        """Dense layers on the same activation, whose results, each behind a function, become those of one, side by side in
        whatever shape.
        """
        functions = list[tuple[Chain, Index]]()
        found, index, place, behind = list[tuple[Symbol, Affine]](), list[Index](), 0, list[Affine]()
        for part in parts:
            if np.any(part.index == PAD):
                raise Refusal("it joins a padding to others")
            split_up = split(part.chain, own=True)
            functions.append((split_up.function, part.index.reshape(-1)))
            found.append((latent.in_row(part), split_up.before))
            behind.append(Affine(*(numbers.reshape(-1) for numbers in split_up.after.of(part.index))))
            index.append(np.arange(place, place + part.index.size).reshape(part.shape))
            place += part.index.size
        layer = side_by_side(found)
        between = (name for part in parts for name in part.chain.nodes)
        nodes = tuple(dict.fromkeys((*layer.nodes, *between, node.name)))
        layer = replace(layer, nodes=nodes, tensor=node.outputs[0])
        gain, offset = (np.concatenate([getattr(part, name) for part in behind]) for name in ("gain", "offset"))
        function = side_by_side_functions(node.name, functions)
        after = (Multiply(node.name, gain), Add(node.name, offset)) if np.any(gain != 1) or np.any(offset) else ()
        return Symbol(layer, np.asarray(self.fold(node, index)[0]), Chain((*function.steps, *after)))

    # other nodes

    def random(self, node: Node, arguments: list[Value]) -> Symbol:
        if len(self.noise) == MOST_SAMPLES:
            raise Refusal(f"another source of noise beside {' and '.join(self.noise)}; a network may draw two samples")
        if node.operator == "RandomNormal":
            shape = tuple(int(d) for d in node.attributes["shape"])
        else:
            like = arguments[0]
            shape = like.shape if isinstance(like, Symbol) else constant(arguments, 0).shape
        if node.attributes.get("dtype", FLOAT_TYPES[0]) not in FLOAT_TYPES:
            raise Refusal("noise of another type than float or double")
        if min(shape, default=1) < 1:
            raise Refusal(f"noise of shape {shape}")
        self.noise.append(node.name)
        return latent.noise(node, shape)

    def other_random(self, node: Node, arguments: list[Value]) -> Symbol:
        raise Refusal("noise of another distribution; only RandomNormalLike and RandomNormal are supported")

    def rearrange(self, node: Node, arguments: list[Value]) -> Results:
        """Nodes that pick elements: done to the index itself."""
        symbol = activation(arguments)
        for step in symbol.chain.steps:
            if isinstance(step, Rowwise):
                raise Refusal(f"it picks from the result of {step.node}, which only the host can compute")
        rest = [constant(arguments, i) for i in range(1, len(arguments)) if arguments[i] is not None]
        if node.operator == "Gather":
            axis = symbol.shape[node.attributes.get("axis", 0)]
            if symbol.index.size // axis * rest[0].size > MAX_ACTIVATION:
                raise Refusal(f"an activation of more than {MAX_ACTIVATION} elements")
        return [symbol.rearranged(np.asarray(index)) for index in self.fold(node, [symbol.index, *rest])]

    def resize(self, node: Node, arguments: list[Value]) -> Symbol:
        """Nearest neighbours: each position a number of times."""
        symbol = activation(arguments)
        scales, sizes = (
            constant(arguments, i) if len(arguments) > i and arguments[i] is not None else None
            for i in ((1, 2) if before_opset_11(node) else (2, 3))
        )
        if scales is None and sizes is None and "scales" in node.attributes:
            scales = np.asarray(node.attributes["scales"])
        empty = scales is not None and not scales.size
        return symbol.rearranged(resized(node, symbol.index, None if empty else scales, sizes))

    def depth_to_space(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol = activation(arguments)
        return symbol.rearranged(to_space(node, symbol.index))

    def repeat(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol, counts = activation(arguments), [int(n) for n in constant(arguments, 1).reshape(-1)]
        shape = symbol.shape
        if isinstance(symbol.source, Input):
            index = np.asarray(self.fold(node, [symbol.index, np.array(counts)])[0])
            if index.shape[0] == 1 and index.size <= MAX_ACTIVATION:
                return symbol.rearranged(index)
        if node.operator == "Expand":
            same = len(counts) <= len(shape) and all(n in (1, d) for n, d in zip(counts[::-1], shape[::-1], strict=False))
        else:
            same = all(n == 1 for n in counts)
        if not same:
            raise Refusal(f"it repeats an activation of shape {shape}; {latent.SEVERAL}")
        return symbol

    def takes_levels(self, symbol: Symbol) -> bool:
        return isinstance(symbol.source, Linear | Unknown)

    def binarise(self, node: Node, arguments: list[Value], steps: list[Step]) -> Symbol:
        symbol = activation(arguments)
        if isinstance(symbol.source, Unknown) and (fine(steps[-1]) or node.part):
            return unknown(symbol.shape)
        if node.part:
            return symbol.then([choices.within(step) for step in steps])
        if not isinstance(symbol.source, Linear) or not fine(steps[-1]):
            raise Refusal("binary activations behind layers of real weights")
        return symbol.then(steps)

    def where(self, node: Node, arguments: list[Value]) -> Symbol:
        """One of two activations, by what is part of a function of the same elements."""
        mask, *values = arguments
        if not isinstance(mask, Symbol) or not any(isinstance(value, Symbol) for value in values):
            return elementwise.where(node, arguments)
        symbols = [value for value in arguments if isinstance(value, Symbol)]
        if any(isinstance(symbol.source, Unknown) for symbol in symbols):
            return unknown(np.broadcast_shapes(*(symbol.shape for symbol in symbols)))
        return choices.chosen(node.name, mask, *values)

    def logic(self, node: Node, arguments: list[Value]) -> Symbol:
        """And, Or, Xor, Not."""
        first, *others = (value for value in arguments if isinstance(value, Symbol))
        if len(others) + 1 < len(arguments) or not node.part:
            raise Refusal("not supported on activations")
        if any(isinstance(symbol.source, Unknown) for symbol in (first, *others)):
            return unknown(first.shape)
        return choices.combined(node, first, others[0] if others else None)

    # layers

    def taken(self, node: Node, arguments: list[Value]) -> Symbol:
        return self.on_stream(activation(arguments))

    def weights_of(self, node: Node, numbers: Array, axis: int, alpha: float = 1.0) -> Real:
        if not numbers.size:
            raise Refusal(f"weights of shape {numbers.shape}, which are none")
        if numbers.size > MAX_WEIGHTS:
            raise Refusal(_too_many(f"weights of shape {numbers.shape}"))
        weights: Real = numbers.astype(np.float64) * alpha
        return weights

    def dense(self, node: Node, arguments: list[Value], matrix: Array, alpha: float) -> Symbol:
        symbol = activation(arguments)
        means = symbol.source.means if isinstance(symbol.source, Linear) else None
        in_order = np.array_equal(symbol.index[0], np.arange(len(matrix)))
        if means is None or not in_order or symbol.chain.steps or matrix.ndim != 2:
            return super().dense(node, arguments, matrix, alpha)
        # the layer sums up all positions itself
        row = means.rearranged(means.index.reshape(1, -1))
        count = row.index.size // len(matrix)
        return super().dense(node, [row, *arguments[1:]], np.repeat(matrix.astype(np.float64) / count, count, axis=0), alpha)

    def average_pool(self, node: Node, arguments: list[Value]) -> Symbol:
        """A convolution of each channel by itself, whose weights are equal."""
        symbol = self.taken(node, arguments)
        if len(symbol.shape) == 3:
            return self.over_row(self.average_pool, node, arguments)
        if len(symbol.shape) != 4:
            raise Refusal(f"pooling of an activation of shape {symbol.shape}")
        image, window, divisor = averaged_window(node, symbol)
        channels = len(image)
        if isinstance(symbol.source, Unknown):
            return unknown((1, channels, window.rows.outputs, window.columns.outputs))
        equal = np.full((channels, 1, window.rows.kernel, window.columns.kernel), 1 / divisor)
        result = self.convolution(node, symbol, image, window, self.spread(equal, channels, (1, 1)))
        if window.whole and isinstance(result.source, Linear):
            result.source.means = symbol.rearranged(image[None])
        return result

    def max_pool(self, node: Node, arguments: list[Value]) -> Symbol:
        symbol = self.taken(node, arguments)
        if len(symbol.shape) == 3:
            return self.over_row(self.max_pool, node, arguments)
        image, window = maxima_window(node, symbol)
        if isinstance(symbol.source, Unknown):
            return unknown((1, len(image), window.rows.outputs, window.columns.outputs))
        if window.taps == 1 and window.outputs == window.inputs:
            return symbol  # of one position each
        return maxima(node, *reblocked(symbol, image), window)

    def convolution(self, node: Node, symbol: Symbol, image: Index, window: Window, weights: Real) -> Symbol:
        if isinstance(symbol.source, Sample) and image[0].size > 1:
            frame = Frame.of((len(weights), window.rows.outputs, window.columns.outputs))
            kernel = weights.transpose(2, 3, 1, 0)[:, :, :, None, None, :]
            return self.of_image(node, symbol, image, window, kernel, frame)
        if max(repeats(image)) > 1 and max(window.rows.stride, window.columns.stride) == 1:
            return self.of_repeated(node, symbol, image, window, weights)
        symbol, image = reblocked(symbol, image)
        kernel = weights.transpose(2, 3, 1, 0)[:, :, :, None, None, :]
        image, kernel = self.with_condition(symbol, image, kernel)
        reading, coefficients = absorb(kernel, read(symbol, image), window, self.graph_input.real)
        frame = Frame.of((len(weights), window.rows.outputs, window.columns.outputs))
        layer = self.linear("dense" if window.whole else "conv", node, reading, window, coefficients, frame)
        return Symbol(layer, frame.settled[None])

    def with_condition(self, symbol: Symbol, image: Index, kernel: Real) -> tuple[Index, Real]:
        """An image (C, H, W) of the input and its weights (kh, kw, in, ...), with all of a condition beside each position: what
        the layer does not take of it has weights of 0.
        """
        if not isinstance(symbol.source, Codes) or self.graph_input.condition is None:
            return image, kernel
        first = self.graph_input.first
        left = np.setdiff1d(np.arange(first, self.graph_input.frame.size), image)
        none = np.zeros((*kernel.shape[:2], len(left), *kernel.shape[3:]))
        beside = np.broadcast_to(left[:, None, None], (len(left), *image.shape[1:]))
        return np.concatenate([image, beside]), np.concatenate([kernel, none], axis=2)

    def of_image(self, node: Node, symbol: Symbol, image: Index, window: Window, weights: Real, frame: Frame) -> Symbol:
        """What a convolution makes of latent variables that are an image, as a dense layer: they come all at once."""
        row = symbol.rearranged(image.transpose(1, 2, 0).reshape(1, -1))
        result = self.product(node, row, matrix_of(window, weights, frame))
        return result.rearranged(result.index.reshape(1, *frame.shape))

    def of_repeated(self, node: Node, symbol: Symbol, image: Index, window: Window, weights: Real) -> Symbol:
        """A convolution of positions that are there several times: blocks of its results from an image without copies."""
        down, across = repeats(image)
        symbol, small = reblocked(symbol, image[:, ::down, ::across])
        natural = Frame.of((len(weights), window.rows.outputs, window.columns.outputs))
        rows, columns = RepeatedAxis(window.rows, down), RepeatedAxis(window.columns, across)
        over = Window(rows.window, columns.window)
        reading, coefficients = absorb(merged(weights, rows, columns), read(symbol, small), over, self.graph_input.real)
        return Symbol(self.linear("conv", node, reading, over, coefficients, natural), natural.settled[None])

    def spread(self, weights: Real, groups: int, dilations: Sequence[int]) -> Real:
        found: Real = spread_kernels(weights, groups, dilations)
        if found.size > MAX_WEIGHTS:
            raise Refusal(_too_many(f"{found.size} weights of {groups} groups spread out"))
        return found

    def conv_transpose(self, node: Node, arguments: list[Value]) -> Symbol:
        if isinstance(arguments[0], Symbol) and len(arguments[0].shape) == 3:
            return self.over_row(self.conv_transpose, node, arguments)
        kernels = constant_kernels(arguments)
        symbol, groups = self.taken(node, arguments), groups_of(node, kernels)
        check_channels(kernels, 0, symbol)
        # to spread them is the same thing from the other end
        weights = self.spread(self.weights_of(node, kernels, 1), groups, node.attributes.get("dilations", [1, 1]))
        image = symbol.index[0]
        if np.any(image == PAD):
            raise Refusal("a transposed convolution of a padded activation")
        rows, columns = (transposed_axis(node, i, image.shape[i + 1], weights.shape[i + 2]) for i in range(2))
        natural = Frame.of((weights.shape[1], rows.outputs, columns.outputs))
        if isinstance(symbol.source, Unknown):
            return unknown((1, *natural.shape))
        blocks = blocked(weights, rows, columns)
        window = Window(rows.window, columns.window)
        if isinstance(symbol.source, Sample) and image[0].size > 1:
            return with_bias(node, arguments, self.of_image(node, symbol, image, window, blocks, natural))
        symbol, image = reblocked(symbol, image)
        reading, coefficients = absorb(blocks, read(symbol, image), window, self.graph_input.real)
        frame = natural
        if image.shape[1:] == (1, 1):  # one position: a dense layer, whose outputs may become any image
            frame, coefficients = Frame.of((natural.size, 1, 1)), coefficients.of_position
        kind = "deconv" if frame is natural else "dense"
        layer = self.linear(kind, node, reading, window, coefficients, frame)
        return with_bias(node, arguments, Symbol(layer, natural.settled[None]))

    def product(self, node: Node, symbol: Symbol, weights: Real) -> Symbol:
        if symbol.source.frame.size * weights.shape[1] > MAX_WEIGHTS:
            raise Refusal(_too_many(f"weights of shape {weights.shape} for {symbol.source.frame.size} numbers"))
        self.settle_front()
        inside = symbol.index[0] != PAD
        reading = read(symbol)
        window, *coefficients = dense(weights[inside], symbol.index[0][inside], reading)
        frame = Frame.of((weights.shape[1], 1, 1))
        layer = self.linear("dense", node, reading, window, Coefficients(*coefficients), frame)
        return Symbol(layer, np.arange(frame.size).reshape(1, -1))

    def linear(self, kind: str, node: Node, reading: Reading, window: Window, coefficients: Coefficients, frame: Frame) -> Linear:
        """A layer, whose weights are counted."""
        weights, bias, inside = coefficients.weights, coefficients.bias, coefficients.inside
        self.weights += weights.size
        if self.weights > MAX_WEIGHTS:
            raise Refusal(_too_many(f"with it the network has {self.weights} weights"))
        nodes = (*reading.absorbed, node.name)
        return Linear(kind, nodes, node.outputs[0], reading, window, weights, bias, frame, inside=inside)


def _too_many(weights: str) -> str:
    """Why no weights beyond MAX_WEIGHTS are read."""
    return f"{weights}; no more than {MAX_WEIGHTS} are read, of which even two bits each fill all but the largest known parts"


def _axes(node: Node, arguments: list[Value]) -> tuple[int, ...]:
    """Over which axes a reduction goes; () for all."""
    if len(arguments) > 1 and arguments[1] is not None:
        return tuple(int(axis) for axis in constant(arguments, 1).reshape(-1))
    return tuple(node.attributes.get("axes", ()))


def _check_smooth(layers: Iterable[RealLinear | RealLatent]) -> None:
    """Refuse layers whose sums are rounded: which way a sum near a step goes, a calibration cannot promise."""
    for layer in layers:
        for step in () if isinstance(layer, RealLatent) else layer.function.steps:
            if coarse(step):
                raise Refusal(
                    "it rounds what a layer of real weights gives; decisions are for layers of binary weights", step.node
                )


def _with_host(symbol: Symbol) -> tuple[Symbol, Chain]:
    """The network's output without what only the host can compute, and that: functions of whole rows, what follows a sample, and
    numbers of their own for each element behind a function that is not affine.
    """
    steps = symbol.chain.steps
    begin = next((place for place, step in enumerate(steps) if isinstance(step, Rowwise)), len(steps))
    if isinstance(symbol.source, Sample | Scored):
        begin = 0
    curved = next((place for place in range(begin) if line(steps[place]) is None), begin)
    begin = next((place for place in range(curved, begin) if any(map(np.ndim, steps[place].constants))), begin)
    elements = symbol.index.reshape(-1)
    host = Chain(steps[begin:]).map_constants(lambda c: np.asarray(c) if np.ndim(c) == 0 else c[elements])
    return Symbol(symbol.source, symbol.index, Chain(steps[:begin])), host
