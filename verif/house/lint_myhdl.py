"""What MyHDL converts without a word to other hardware, or to no Verilog at all, refused by reading the sources.

    python -m sigmabit.verif.house.lint_myhdl [FILE ...]

Without files, hdl/ is read. What conversion itself refuses is left to it (test_convert.py). Blocks whose Verilog is given as text
are read for what concerns their ports only: their generators are never converted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sigmabit.hdl.verilog.keywords import RESERVED

HDL = Path(__file__).parents[2] / "hdl"

MODULES = {"leaf", "composite", "written"}
BLOCKS = MODULES | {"block"}
GENERATORS = {"always", "always_comb", "always_seq", "instance"}

MAKERS = {"Signal", "bit", "first_of", "like", "reset", "wire"}
"""What makes a signal of its own, as against a slice or a concatenation of others."""

NUMBERS = {"abs", "index_bits", "len", "max", "min", "sum"}
"""Functions that give numbers while the design is put together."""


@dataclass(frozen=True, order=True)
class Finding:
    """A trap in a source file, and what to write instead."""

    path: Path
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"


@dataclass(frozen=True, eq=False)
class Block:
    """A block's function, and what can be told of the names in it. constants: tuples of its module, by their names."""

    function: ast.FunctionDef
    kind: str
    has_text: bool
    slicers: frozenset[str]
    constants: frozenset[str]

    @cached_property
    def generators(self) -> list[ast.FunctionDef]:
        """What becomes a process."""
        return [node for node in ast.walk(self.function) if isinstance(node, ast.FunctionDef) and _marks(node) & GENERATORS]

    @property
    def converted(self) -> list[ast.FunctionDef]:
        """The generators that MyHDL translates."""
        return [] if self.has_text else self.generators

    @cached_property
    def body(self) -> list[ast.AST]:
        """All nodes outside the generators: what runs while the design is put together."""
        inside = {id(node) for generator in self.generators for node in ast.walk(generator)}
        return [node for statement in self.function.body for node in ast.walk(statement) if id(node) not in inside]

    @cached_property
    def parameters(self) -> list[ast.arg]:
        """All parameters but the configuration."""
        given = self.function.args
        return [argument for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs) if argument.arg != "config"]

    @cached_property
    def bindings(self) -> list[tuple[str, ast.expr]]:
        """Names that the body gives to values, one by one where a tuple is taken apart."""
        assigned = [pair for node in self.body if isinstance(node, ast.Assign) for pair in _pairs(node.targets[0], node.value)]
        return [(target.id, value) for target, value in assigned if isinstance(target, ast.Name)]

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Names of numbers. A signal takes no part in arithmetic while the design is put together: what does is a number."""
        operands = [operand for node in self.body for operand in _operands(node)]
        known = {"config", *(operand.id for operand in operands if isinstance(operand, ast.Name))}
        for name, value in self.bindings:
            if _is_number(value, known):
                known.add(name)
        return frozenset(known)

    @cached_property
    def signals(self) -> frozenset[str]:
        """Names of signals made here."""
        return frozenset(name for name, value in self.bindings if _called(value) in MAKERS | {"ConcatSignal"})

    @cached_property
    def tuples(self) -> frozenset[str]:
        """Names of tables of numbers."""
        found = (name for name, value in self.bindings if isinstance(value, ast.Tuple) or _called(value) == "tuple")
        return self.constants | frozenset(found)

    @cached_property
    def lists(self) -> dict[str, list[ast.expr]]:
        """What the lists made here hold, by their names."""
        found = {name: _elements(value) for name, value in self.bindings if isinstance(value, ast.List | ast.ListComp)}
        for node in self.body:
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[element]) if name in found:
                    found[name].append(element)
        return found


def _marks(function: ast.FunctionDef) -> set[str]:
    """The names of a function's decorators."""
    return {_called(mark) if isinstance(mark, ast.Call) else ast.unparse(mark) for mark in function.decorator_list}


def _called(expression: ast.AST) -> str:
    """The name of the function that an expression calls, or nothing."""
    return ast.unparse(expression.func) if isinstance(expression, ast.Call) else ""


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned to what; where the parts of a value are not written out, its element goes to every part of the target."""
    if not isinstance(target, ast.Tuple):
        yield target, value
    elif isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
        for part, element in zip(target.elts, value.elts, strict=True):
            yield from _pairs(part, element)
    else:
        for part in target.elts:
            yield part, value.elt if isinstance(value, ast.GeneratorExp | ast.ListComp) else value


def _elements(value: ast.expr) -> list[ast.expr]:
    """What a list holds."""
    match value:
        case ast.ListComp(elt=element):
            return [element]
        case ast.List(elts=elements):
            return [inner for element in elements for inner in _elements(element)]
        case ast.Starred(value=starred):
            return _elements(starred)
    return [value]


def _operands(node: ast.AST) -> list[ast.expr]:
    """What an arithmetic operation, shift or comparison of values takes."""
    match node:
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            return [operand]
        case ast.Compare(left=left, ops=operations, comparators=others):
            return [] if isinstance(operations[0], ast.Is | ast.IsNot | ast.In | ast.NotIn) else [left, *others]
    return []


def _is_number(expression: ast.expr, known: Set[str]) -> bool:
    """Is it known while the design is put together?"""
    match expression:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name in known or name.isupper()
        case ast.Attribute(value=value, attr=attribute):
            return attribute in ("min", "max") or _is_number(value, known)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return name == "len" or (name in NUMBERS and all(_is_number(argument, known) for argument in arguments))
        case ast.Call(func=ast.Attribute(value=value)):
            return _is_number(value, known)
        case ast.BinOp() | ast.UnaryOp() | ast.IfExp() | ast.Subscript():
            parts = [child for child in ast.iter_child_nodes(expression) if isinstance(child, ast.expr)]
            return all(_is_number(part, known) for part in parts)
    return False


def _names(expression: ast.AST) -> set[str]:
    """All names in an expression."""
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def _loop_variables(generator: ast.FunctionDef) -> set[str]:
    return {name for node in ast.walk(generator) if isinstance(node, ast.For) for name in _names(node.target)}


def _locals(generator: ast.FunctionDef) -> set[str]:
    """A generator's own variables."""
    targets = [target for node in ast.walk(generator) if isinstance(node, ast.Assign) for target in node.targets]
    return _loop_variables(generator) | {target.id for target in targets if isinstance(target, ast.Name)}


Where = ast.stmt | ast.expr | ast.arg
Find = Callable[[Any], Iterator[Where]]


@dataclass(frozen=True)
class Rule:
    """What finds the places where a rule is broken, and what to write there instead."""

    name: str
    advice: str
    find: Find


BLOCK_RULES: list[Rule] = []
CLASS_RULES: list[Rule] = []


def rule(group: list[Rule], advice: str) -> Callable[[Find], Find]:
    """Adds a function to a group of rules, under its name."""

    def add(find: Find) -> Find:
        group.append(Rule(find.__name__.replace("_", "-"), advice, find))
        return find

    return add


def _is_compound(expression: ast.expr, numbers: frozenset[str]) -> bool:
    """Is it an operation on signals, whose width and sign Verilog takes from what stands around it?"""
    operation = isinstance(expression, ast.BinOp | ast.IfExp) or _called(expression) == "concat"
    if isinstance(expression, ast.UnaryOp) and not isinstance(expression.op, ast.Not):
        operation = not isinstance(expression.operand, ast.Constant)
    return operation and not _is_number(expression, numbers)


WRAPPING = ast.Add | ast.Sub | ast.Mult | ast.Pow | ast.LShift | ast.RShift
DIVISIONS = ast.Div | ast.FloorDiv | ast.Mod


@rule(
    BLOCK_RULES,
    "give the inner operation to a local of its own, sized as intbv(0)[bits:]: Verilog cuts or signs it otherwise than MyHDL",
)
def compound(block: Block) -> Iterator[Where]:
    """Arithmetic on, or a shift, comparison or index of, the result of another operation."""
    for generator in block.converted:
        numbers = block.numbers | _loop_variables(generator)
        for node in ast.walk(generator):
            match node:
                case ast.BinOp(op=op) if not isinstance(op, WRAPPING):
                    continue
                case ast.UnaryOp(op=ast.Invert()):
                    continue
                case ast.AugAssign(op=op, value=value) if isinstance(op, WRAPPING):
                    taken = [value]
                case ast.Subscript(slice=index) if not isinstance(index, ast.Slice):
                    taken = index.args if isinstance(index, ast.Call) and _called(index) == "int" else [index]
                case _:
                    taken = _operands(node)
            if any(_is_compound(operand, numbers) for operand in taken):
                yield node  # type: ignore[misc]


@rule(BLOCK_RULES, "shift or slice instead: of a negative number, Verilog rounds the quotient towards zero, MyHDL down")
def division(block: Block) -> Iterator[Where]:
    """A quotient or remainder of signals."""
    for generator in block.converted:
        for node in ast.walk(generator):
            match node:
                case ast.AugAssign(op=op) if isinstance(op, DIVISIONS):
                    yield node
                case ast.BinOp(op=op) if isinstance(op, DIVISIONS):
                    if not _is_number(node, block.numbers | _loop_variables(generator)):
                        yield node


@rule(BLOCK_RULES, "XOR with a mask of ones instead: MyHDL's ~ of an operation is negative, Verilog's is not")
def inversion(block: Block) -> Iterator[Where]:
    """The complement of an operation."""
    for generator in block.converted:
        for node in ast.walk(generator):
            match node:
                case ast.UnaryOp(op=ast.Invert(), operand=operand) if _is_compound(operand, block.numbers):
                    yield node


@rule(
    BLOCK_RULES,
    "give the table's entry to a signal or local of its own: MyHDL writes a table only where it is all that is assigned",
)
def table(block: Block) -> Iterator[Where]:
    """An entry of a tuple as part of an expression."""
    for generator in block.converted:
        whole = {id(node.value) for node in ast.walk(generator) if isinstance(node, ast.Assign)}
        for node in ast.walk(generator):
            match node:
                case ast.Subscript(value=ast.Name(id=name), slice=index) if id(node) not in whole:
                    by_number = _called(index) == "int" and name not in block.signals and name not in block.lists
                    if name in block.tuples or by_number:
                        yield node
                case ast.Subscript(value=ast.Attribute(), slice=index) if id(node) not in whole and _called(index) == "int":
                    yield node


@rule(
    BLOCK_RULES,
    "let a generator index lists of fresh signals only, or pass each slice to a sub-block: MyHDL writes others as zeros",
)
def slice_list(block: Block) -> Iterator[Where]:
    """A list of slices, concatenations or shared signals that a generator indexes."""
    for generator in block.converted:
        for node in ast.walk(generator):
            match node:
                case ast.Subscript(value=ast.Name(id=name)) if name in block.lists:
                    if any(_called(element) not in MAKERS for element in block.lists[name]):
                        yield node


@rule(BLOCK_RULES, "slice from a name, as low = index * width and [low + width : low]: Verilog has no other slice that moves")
def moving_slice(block: Block) -> Iterator[Where]:
    """A slice whose place changes and whose width Verilog cannot see."""
    for generator in block.converted:
        moving = _locals(generator) | block.signals
        for node in ast.walk(generator):
            match node:
                case ast.Subscript(
                    slice=ast.Slice(upper=ast.Name(id=low), lower=ast.BinOp(op=ast.Add(), left=ast.Name(id=base), right=width))
                ) if low == base and not _names(width) & moving:
                    continue
                case ast.Subscript(slice=ast.Slice() as bounds) if _names(bounds) & moving:
                    yield node


@rule(BLOCK_RULES, "copy it to a signal of the block first: MyHDL loses the name of an interface's signal that is sliced")
def interface_slice(block: Block) -> Iterator[Where]:
    """A slice of a signal that came in through an interface. Composites, which are not converted by MyHDL, slice nothing."""
    interfaces = set() if block.kind == "composite" else {parameter.arg for parameter in block.parameters} - block.numbers
    for node in block.body:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in interfaces:
                yield node
            case ast.Call(args=[ast.Attribute(value=ast.Name(id=name)), *_]) if name in interfaces:
                if _called(node) in block.slicers:
                    yield node


@rule(BLOCK_RULES, "choose another name: this one is a word of Verilog")
def reserved(block: Block) -> Iterator[Where]:
    """A port, signal, variable, generator or block named by a word that Verilog keeps for itself."""
    ports = block.parameters if block.kind in MODULES else []
    yield from (port for port in ports if port.arg in RESERVED)
    yield from (node for node in (block.function, *block.converted) if node.name in RESERVED)
    for node in block.body:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in RESERVED & block.signals:
            yield node
    for generator in block.converted:
        for node in ast.walk(generator):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in RESERVED:
                yield node


def _makes_signals(node: ast.AST) -> bool:
    return any(_called(inner) in MAKERS or (isinstance(inner, ast.Name) and inner.id == "Signal") for inner in ast.walk(node))


@rule(CLASS_RULES, "make each signal an attribute of its own: a list does not become ports")
def interface_list(interface: ast.ClassDef) -> Iterator[Where]:
    """A list of signals as an attribute of an interface."""
    for node in ast.walk(interface):
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node.targets[0], node.value):
                several = isinstance(value, ast.List | ast.ListComp | ast.Tuple) or _called(value) in ("list", "tuple")
                if isinstance(target, ast.Attribute) and several and _makes_signals(value):
                    yield node


@rule(CLASS_RULES, "write an ordinary class: MyHDL finds an interface's signals in its __dict__")
def slots(interface: ast.ClassDef) -> Iterator[Where]:
    """An interface with slots."""
    slotted = any(isinstance(node, ast.Name) and node.id == "__slots__" for node in ast.walk(interface))
    keywords = [keyword for mark in interface.decorator_list if isinstance(mark, ast.Call) for keyword in mark.keywords]
    slotted |= any(keyword.arg == "slots" and ast.unparse(keyword.value) == "True" for keyword in keywords)
    if slotted and _makes_signals(interface):
        yield interface


def lint(paths: list[Path]) -> list[Finding]:
    """All findings in some sources, which are taken together: helpers and texts may be in another file than their users."""
    modules = {path: ast.parse(path.read_text(), str(path)) for path in paths}
    slicers = frozenset(name for module in modules.values() for name in _slicers(module))
    findings = []
    for path, module in modules.items():
        found = [(rule, node) for block in _blocks(module, slicers) for rule in BLOCK_RULES for node in rule.find(block)]
        classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
        found += [(rule, node) for interface in classes for rule in CLASS_RULES for node in rule.find(interface)]
        findings += [Finding(path, node.lineno, rule.name, rule.advice) for rule, node in found]
    return sorted(findings)


def _blocks(module: ast.Module, slicers: frozenset[str]) -> Iterator[Block]:
    assigned = [(ast.unparse(node.targets[0]), node.value) for node in module.body if isinstance(node, ast.Assign)]
    texts = {name.removesuffix(".verilog_code") for name, _ in assigned if name.endswith(".verilog_code")}
    constants = frozenset(name for name, value in assigned if isinstance(value, ast.Tuple) or _called(value) == "tuple")
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            for kind in _marks(node) & BLOCKS:
                yield Block(node, kind, kind == "written" or node.name in texts, slicers, constants)


def _slicers(module: ast.Module) -> Iterator[str]:
    """Functions that slice their first argument: MyHDL slices a signal by calling it."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.args.args and not _marks(node) & BLOCKS:
            first = node.args.args[0].arg
            if any(_called(inner) == first for inner in ast.walk(node)):
                yield node.name


def main(arguments: list[str]) -> int:
    """Print all findings; 1 if there are any."""
    findings = lint([Path(argument) for argument in arguments] or sorted(HDL.rglob("*.py")))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
