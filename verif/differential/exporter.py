"""Graphs as exporters write them: names, opsets, attributes that became inputs, constants spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..harness.onnx_graphs import QONNX, QUANTISERS, Builder, Operand

Array = np.ndarray

AXES_BECAME_INPUTS = {
    "Squeeze": 13,
    "Unsqueeze": 13,
    "ReduceSum": 13,
    "ReduceL1": 18,
    "ReduceL2": 18,
    "ReduceMax": 18,
    "ReduceMean": 18,
    "ReduceSumSquare": 18,
}
"""From which opset on."""

FUNCTIONS = "pkg.functions"
"""The domain of local functions."""

STYLES = ("plain", "torchscript", "dynamo", "keras", "nameless")


class Exporter(Builder):
    """A builder that writes for any opset from 9 on, in an exporter's style; `random` draws how constants are spelt,
    beginning at the given turn.

    Operands are given as the newest opsets take them; what was an attribute before becomes one.
    """

    def __init__(self, shape: Sequence[int | str], random: np.random.Generator, style: str, turns: int, **options: Any) -> None:
        super().__init__(shape, **options)
        self.random = random
        self.style, self.turns, self.spelling = style, turns, True

    def __call__(self, operator: str, *operands: Operand, name: str = "", domain: str | None = None, **attributes: Any) -> str:
        given, attributes = self._for_opset(operator, operands, attributes)
        if operator == "Slice" and len(given) > 3 and not isinstance(given[3], str):
            given = [*given[:3], self.plain(given[3])]  # onnxruntime infers shapes as if axes that nodes compute were the first
        inputs = ["" if o is None else o if isinstance(o, str) else self.constant(o) for o in given]
        if domain is None:
            domain = self.domain if operator in QUANTISERS else ""
        named, output = self._names(operator)
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name or named, domain=domain, **attributes))
        return output

    def quant(
        self, x: Operand, bits: float, scale: Operand = 1.0, zero_point: float = 0.0, name: str = "", **attributes: Any
    ) -> str:
        """By its newer name now and then."""
        y = super().quant(x, bits, scale, zero_point, name, **attributes)
        if self.domain == QONNX and len(self.nodes) % 2:
            self.nodes[-1].op_type = "IntQuant"
        return y

    @property
    def last(self) -> str:
        """The last node's name, as an importer calls it."""
        return self.name_of(len(self.nodes) - 1)

    def name_of(self, position: int) -> str:
        """A node's name; by operator and position for nameless ones."""
        return self.nodes[position].name or f"{self.nodes[position].op_type}_{position}"

    def _names(self, operator: str) -> tuple[str, str]:
        number = len(self.nodes)
        match self.style:
            case "torchscript":
                return f"/layers.{number}/{operator}", f"/layers.{number}/{operator}_output_0"
            case "dynamo":
                return f"node_{operator}_{number}", f"{operator.lower()}_{number}"
            case "keras":
                return f"model/layer_{number}/{operator}", f"model/layer_{number}/{operator}:0"
            case "nameless":
                return "", str(number + 100)
        return f"{operator}_{number}", f"{operator}_{number}_y"

    def _for_opset(
        self, operator: str, operands: Sequence[Operand], attributes: dict[str, Any]
    ) -> tuple[Sequence[Operand], dict[str, Any]]:
        first, *rest = operands or (None,)
        names: tuple[str, ...] = ()
        if operator == "Clip" and self.opset < 11:
            names = ("min", "max")
        elif operator == "Pad" and self.opset < 11:
            names = ("pads", "value")
        elif self.opset < AXES_BECAME_INPUTS.get(operator, 0):
            names = ("axes",)
        elif operator == "Split" and self.opset < 13:
            names = ("split",)
        elif operator == "Slice" and self.opset < 10:
            names = ("starts", "ends", "axes")
        if not names:
            return operands, attributes
        moved = {key: np.asarray(value).tolist() for key, value in zip(names, rest, strict=False) if value is not None}
        return [first], {**attributes, **moved}

    # constants

    def constant(self, value: Array | float) -> str:
        """The name of a new constant, one time in six of one that nodes compute."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        if not self.spelling or self.random.integers(6):
            return super().constant(array)
        return self.spelt(array)

    def plain(self, value: Any, dtype: Any = None) -> str:
        """A constant as it is."""
        self.spelling, before = False, self.spelling
        array = np.asarray(value, dtype)
        name = f"constant_{len(self.initializers) + len(self.nodes)}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        if self.constant_nodes:
            self.nodes.append(helper.make_node("Constant", [], [name], name=f"{name}_node", value=tensor))
        else:
            self.initializers.append(tensor)
        self.spelling = before
        return name

    def spelt(self, array: Array) -> str:
        """A constant that nodes compute, exactly."""
        if not array.size:
            return self.plain(array)
        spellings = [self._rearranged, self._chosen]
        if array.dtype.kind == "f":
            spellings += [self._calculated, self._calculated, self._reduced]
        self.spelling = False
        result = spellings[int(self.random.integers(len(spellings)))](array)
        self.spelling = True
        return result

    def turn(self, *choices: Any) -> Any:
        """The next of them, so that few graphs have had them all."""
        self.turns += 1
        return choices[self.turns % len(choices)]

    def _rearranged(self, a: Array) -> str:
        shape, twice = np.array(a.shape, np.int64), np.stack([a, a])
        kinds = ["Identity", "Squeeze", "Gather", "Reshape"]
        kinds += ["Concat", "Slice", "Split", "Tile", "Transpose"] if a.ndim else []
        kinds += ["Expand", "ConstantOfShape"] if np.all(a == a.flat[0]) else []
        kinds += ["Unsqueeze"] if a.ndim and len(a) == 1 else []
        kinds += ["Flatten"] * 2 if a.ndim == 2 else []
        kinds += ["Size"] if a.ndim == 1 else []
        match self.turn(*kinds):
            case "Identity":
                return self("Identity", self.plain(a))
            case "Squeeze":
                return self("Squeeze", self.plain(a[None]), np.array([0]))
            case "Unsqueeze":
                return self("Unsqueeze", self.plain(a[0]), np.array([0]))
            case "Transpose":
                order = [int(i) for i in self.random.permutation(a.ndim)]
                return self("Transpose", self.plain(np.transpose(a, np.argsort(order))), perm=order)
            case "Concat":
                return self("Concat", self.plain(a[:1]), *([self.plain(a[1:])] if len(a) > 1 else []), axis=0)
            case "Gather":
                return self("Gather", self.plain(twice), self.plain(1, np.int64), axis=0)
            case "Slice":
                long = self.plain(np.concatenate([a, a]))
                return self("Slice", long, np.array([0]), np.array([len(a)]), np.array([0]))
            case "Split":
                first = self("Split", self.plain(np.concatenate([a, a])), np.array([len(a), len(a)]), axis=0)
                self.nodes[-1].output.append(f"{first}_rest")
                return first
            case "Tile":
                return self("Tile", self.plain(a), self.plain(np.ones(a.ndim), np.int64))
            case "Expand":
                return self("Expand", self.plain(a.flat[0]), self.plain(shape))
            case "ConstantOfShape":
                return self("ConstantOfShape", self.plain(shape), value=numpy_helper.from_array(a.reshape(-1)[:1]))
            case "Flatten":
                return self("Flatten", self.plain(a[:, :, None]), axis=1)
            case "Size":
                return self("Reshape", self.plain(a[None]), self("Unsqueeze", self("Size", self.plain(a)), np.array([0])))
        return self("Reshape", self.plain(a.reshape(-1)), self("Shape", self.plain(a)))

    def _chosen(self, a: Array) -> str:
        """By a condition that is spelt out."""
        choice = self.random.integers(2, size=a.shape).astype(bool)
        one, other = (self.plain(np.where(c, a, a + 1).astype(a.dtype)) for c in (choice, ~choice))
        numbers = np.where(choice, 1.0, -1.0).astype(np.float32)
        kinds = ["Greater", "Less", "And", "Or", "Not", "Cast", *(["Equal"] if self.opset >= 11 else [])]
        if self.opset >= 12:
            kinds += ["GreaterOrEqual", "LessOrEqual"]
        if self.opset >= 10:
            kinds.append("Mod")
        match self.turn(*kinds):
            case "Greater" | "GreaterOrEqual" as operator:
                condition = self(operator, self.plain(numbers), self.plain(0, np.float32))
            case "Less" | "LessOrEqual" as operator:
                condition = self(operator, self.plain(-numbers), self.plain(0, np.float32))
            case "And":
                condition = self("And", self.plain(choice), self.plain(np.ones_like(choice)))
            case "Or":
                condition = self("Or", self.plain(choice), self.plain(np.zeros_like(choice)))
            case "Not":
                condition = self("Not", self.plain(~choice))
            case "Equal":
                condition = self("Equal", self.plain(numbers), self.plain(1, np.float32))
            case "Mod":
                odd = np.where(choice, 3, 4)
                condition = self("Cast", self("Mod", self.plain(odd, np.int64), self.plain(2, np.int64)), to=9)
            case _:
                condition = self("Cast", self.plain(choice.astype(np.float32)), to=9)
        return self("Where", condition, one, other)

    def _calculated(self, a: Array) -> str:
        quarter, one, zero = np.float32(0.25), self.plain(1, np.float32), self.plain(0, np.float32)
        units = bool(np.all(np.abs(a) == 1))
        kinds = ["Add", "Cast", "Div", "Max", "Min", "Mul", "Neg", "Pow", "Sub"]
        kinds += ["nothing", "whole"]
        kinds += ["Abs"] * 2 if np.all(a >= 0) else []
        kinds += ["Gemm", "MatMul"] if a.ndim == 2 else []
        kinds += ["Sign", "Reciprocal"] if units else []
        kinds += ["Sqrt", "Exp"] if np.all(a == 1) else []
        kinds += ["Log"] if not a.any() else []
        kinds += ["Clip"] if self.opset >= 11 else []
        if np.all(a == np.rint(a)) and np.all(np.abs(a) < 100):
            kinds += ["Ceil", "Floor"] * 2
            kinds += ["DequantizeLinear", "QuantizeLinear"] if self.opset >= 10 else []
            kinds += ["Round"] if self.opset >= 11 else []
        match self.turn(*kinds):
            case "Abs":
                return self("Abs", self.plain(-a))
            case "Cast":
                return self("Cast", self.plain(a, np.float64), to=1)
            case "Ceil":
                return self("Ceil", self.plain(a - quarter))
            case "Floor" | "Round" as operator:
                return self(operator, self.plain(a + quarter))
            case "Clip":
                return self("Clip", self.plain(a), self.plain(a.min()), self.plain(a.max()))
            case "Div":
                return self("Div", self.plain(a), one)
            case "DequantizeLinear":
                scale = self.turn(1.0, 0.5)
                return self(
                    "DequantizeLinear", self.plain(a / scale, np.int8), self.plain(scale, np.float32), self.plain(0, np.int8)
                )
            case "QuantizeLinear":
                zero = self.plain(3, np.int8)
                return self("DequantizeLinear", self("QuantizeLinear", self.plain(a), one, zero), one, zero)
            case "Max":
                return self("Max", self.plain(a), self.plain(a - 1))
            case "Min":
                return self("Min", self.plain(a), self.plain(a + 1))
            case "Mul":
                return self("Mul", self.plain(2 * a), self.plain(0.5, np.float32))
            case "Neg":
                return self("Neg", self.plain(-a))
            case "Pow":
                return self("Pow", self.plain(a), one)
            case "Sign":
                return self("Sign", self.plain(a * np.float32(0.3)))
            case "Sqrt" | "Reciprocal" as operator:
                return self(operator, self.plain(a))
            case "nothing":  # plus what functions give of 0
                function = self.turn("Elu", "Erf", "Relu", "Sin", "Softplus", "Tanh")
                return self("Add", self.plain(a), self(function, self.plain(0 * a - (200 if function == "Softplus" else 0))))
            case "whole":  # twice of it, or all of it
                factor, function = self.turn((2, "Sigmoid"), (1, "Cos"))
                return self("Mul", self.plain(factor * a), self(function, self.plain(0 * a)))
            case "Gemm" | "MatMul" as operator:
                return self(operator, self.plain(np.eye(len(a)), np.float32), self.plain(a))
            case "Exp":
                return self("Exp", self.plain(a - 1))
            case "Log":
                return self("Log", self.plain(a + 1))
            case "Sub":
                return self("Sub", self.plain(a), zero)
        return self("Add", self.plain(a), self.plain(np.zeros_like(a)))

    def _reduced(self, a: Array) -> str:
        others = {"ReduceMax": a - 1, "ReduceMin": a + 1, "ReduceMean": a, "ReduceProd": np.ones_like(a), "ReduceSum": 0 * a}
        if np.array_equal(a, a * a):
            others |= dict.fromkeys(("ReduceSumSquare", "ReduceL1", "ReduceL2"), 0 * a)
        kind = self.turn(*others)
        stacked = self.plain(np.stack([a, others[kind]]).astype(np.float32))
        if self.opset < AXES_BECAME_INPUTS.get(kind, 18):
            return self(kind, stacked, axes=[0], keepdims=0)
        return self(kind, stacked, np.array([0]), keepdims=0)

    def model(self, *outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        """The model, of an IR version that suits its opset."""
        model = super().model(*outputs, kind=kind)
        model.ir_version = 10 if self.opset >= 21 else 8
        if any(node.domain == FUNCTIONS for node in self.nodes):
            opsets = [helper.make_opsetid("", self.opset)]
            two = numpy_helper.from_array(np.array(2, np.float32))
            doubled = [helper.make_node("Constant", [], ["two"], value=two), helper.make_node("Mul", ["x", "two"], ["y"])]
            model.functions.append(helper.make_function(FUNCTIONS, "Doubled", ["x"], ["y"], doubled, opsets))
        return model
