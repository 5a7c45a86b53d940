"""Proof by evaluation that `tmr_register`, in every triplicated form, votes, heals and reports its copies.

pyverilog's dataflow analyser gives the next state of every copy, which is evaluated for all states and inputs.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.verilog_tree import walk
from codesign.verilog_names import LANES

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.dataflow import dataflow as flow
    from pyverilog.dataflow.bindvisitor import BindVisitor
    from pyverilog.dataflow.modulevisitor import ModuleVisitor
    from pyverilog.dataflow.signalvisitor import SignalVisitor
    from pyverilog.vparser import ast

REGISTER = "tmr_register"
LANES_REGISTER = "tmr_register_full"
VOTER = "majority_voter"
WIDTH = 2  # bits of the register that is evaluated exhaustively: enough to tell bitwise from reducing operators
SINGLE_VOTER, TRIPLE_VOTERS = 1, 2  # values of the parameter TMR


@dataclass(frozen=True)
class RegisterProof:
    """Names of the copies of the plain register, and the number of cases evaluated in all forms."""

    copies: tuple[str, ...]
    states_evaluated: int


@dataclass(frozen=True)
class _Form:
    """One form of the register: which module, value of TMR, and what its lanes are called ("" where all share one)."""

    module: str
    tmr: int
    lanes: tuple[str, ...]

    def name(self, port: str, lane: str = "") -> str:
        return f"{self.module}.{port}{lane if self.lanes != ('',) else ''}"

    def fail(self, reason: str) -> VerificationError:
        form = f" with TMR={self.tmr}" if self.module == REGISTER else ""
        return VerificationError(f"{self.module}.v: module {self.module}{form}: {reason}")


def prove_registers(trees: Mapping[str, Any]) -> RegisterProof:
    """Evaluate every form of the register among `trees` (module name to syntax tree); `VerificationError` if one fails.

    A lane of `tmr_register_full` is evaluated from its own inputs and the copies alone: reading another lane's is an
    error.
    """
    forms = []
    if REGISTER in trees:
        _check_drivers(trees[REGISTER])
        forms = [_Form(REGISTER, SINGLE_VOTER, ("",)), _Form(REGISTER, TRIPLE_VOTERS, ("",))]
    if LANES_REGISTER in trees:
        forms.append(_Form(LANES_REGISTER, TRIPLE_VOTERS, LANES))
    needed = [trees[name] for name in (REGISTER, LANES_REGISTER, VOTER) if name in trees]
    proofs = [_prove(form, needed) for form in forms]
    return RegisterProof(proofs[0].copies, sum(proof.states_evaluated for proof in proofs))


def _check_drivers(register: Any) -> None:
    # The dataflow analyser keeps one driver of a signal: q and err have theirs in the voter, and in the single copy.
    assigns = [node for node in walk(register) if isinstance(node, ast.Assign)]
    driven = sorted(node.left.var.name for node in assigns if isinstance(node.left.var, ast.Identifier))
    if [name for name in driven if name != "unused"] != ["err", "next", "q"] or len(driven) != len(assigns):
        raise VerificationError(
            f"{REGISTER}.v: module {REGISTER}: assigns {', '.join(driven)}, not err, next and q once each"
        )


def _prove(form: _Form, trees: Sequence[Any]) -> RegisterProof:
    binds = _bindings(form, trees)
    copies = _copies(form, binds)
    cases = 0
    for number, lane in enumerate(form.lanes):
        # Among lanes a copy is judged by its own inputs; where all copies share their inputs, all three are.
        loaded = copies if form.lanes == ("",) else copies[number : number + 1]
        for case in _cases():
            rst, en, d, *state = case
            known = {form.name("rst", lane): rst, form.name("en", lane): en, form.name("d", lane): d}
            others = {form.name("q", other) for other in form.lanes if other != lane}
            values = _Values(form, binds, known | dict(zip(copies, state, strict=True)), others)
            _check_case(form, values, lane, loaded, case)
            cases += 1
    return RegisterProof(tuple(name.rpartition(".")[2] for name in copies), cases)


def _cases() -> Iterator[tuple[int, ...]]:
    """All values of rst, en, d and the three copies."""
    return product((0, 1), (0, 1), *[range(1 << WIDTH)] * (1 + len(LANES)))


def _check_case(form: _Form, values: "_Values", lane: str, copies: Sequence[str], case: tuple[int, ...]) -> None:
    rst, en, d, a, b, c = case
    majority = (a & b) | (b & c) | (c & a)
    if values.of(form.name("q", lane)) != majority:
        raise form.fail(f"q{lane} is not the majority of its copies {a:b}, {b:b}, {c:b}")
    if values.of(f"{form.module}.err") != int(not a == b == c):
        raise form.fail(f"err does not say whether the copies {a:b}, {b:b}, {c:b} differ")
    expected = 0 if rst else d if en else majority
    for name in copies:
        if values.next_state(name) != expected:
            reason = f"{name.rpartition('.')[2]} loads other than the voted next value at rst={rst}, en={en}, d={d:b}"
            raise form.fail(f"{reason}, copies {a:b}, {b:b}, {c:b}")


def _copies(form: _Form, binds: Mapping[str, list[Any]]) -> tuple[str, ...]:
    """Return the registers: exactly three, each loaded at its rising clock edge in a process of its own."""
    clocked = {name: found for name, found in sorted(binds.items()) if any(b.alwaysinfo is not None for b in found)}
    if len(clocked) != len(LANES):
        raise form.fail(f"{len(clocked)} registers where TMR is set, not {len(LANES)}")
    for number, (name, found) in enumerate(clocked.items()):
        info, clock = found[0].alwaysinfo, form.name("clk", (form.lanes * 3)[number])
        at_clock = info.isClockEdge() and info.clock_edge == "posedge" and _source(binds, str(info.clock_name)) == clock
        if len(found) != 1 or not at_clock or info.senslist or info.reset_name:
            raise form.fail(f"{name} is not loaded by one process at posedge {clock.rpartition('.')[2]}")
    processes = {id(found[0].alwaysinfo) for found in clocked.values()}
    if len(processes) != len(LANES):
        raise form.fail("copies share a process, so synthesis may merge them")
    return tuple(clocked)


def _source(binds: Mapping[str, list[Any]], name: str) -> str:
    """Follow `name` through ports of instances to the signal that drives it."""
    while len(found := binds.get(name, [])) == 1 and isinstance(found[0].tree, flow.DFTerminal):
        name = str(found[0].tree.name)
    return name


def _bindings(form: _Form, trees: Sequence[Any]) -> dict[str, list[Any]]:
    """Return what pyverilog's dataflow analyser binds to every signal, with WIDTH bits and TMR set."""
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, ast.Parameter) and node.name in ("WIDTH", "TMR"):
                node.value = ast.Rvalue(ast.IntConst(str(WIDTH if node.name == "WIDTH" else form.tmr)))
    modules = ModuleVisitor()
    modules.visit(ast.Source("", ast.Description(tuple(trees))))
    signals = SignalVisitor(modules.get_moduleinfotable(), form.module)
    signals.start_visit()
    binder = BindVisitor(modules.get_moduleinfotable(), form.module, signals.getFrameTable(), noreorder=False)
    binder.start_visit()
    return {str(name): list(found) for name, found in binder.getDataflows().binddict.items()}


class _Values:
    """Values of signals, computed from the bindings and from the `known` values of inputs and registers."""

    def __init__(self, form: _Form, binds: Mapping[str, list[Any]], known: dict[str, int], others: Set[str]) -> None:
        self.form = form
        self.binds = binds
        self.known = known
        self.others = others

    def of(self, name: str) -> int:
        """Return the value of signal `name`, which must not be a voter of `others`."""
        if name in self.others:
            raise self.form.fail(f"a copy reads {name.rpartition('.')[2]}, the voter of another lane")
        if name not in self.known:
            found = self.binds.get(name, [])
            if len(found) != 1:
                raise self.form.fail(f"{name} has {len(found)} drivers, not one")
            self.known[name] = self.evaluate(found[0].tree)
        return self.known[name]

    def next_state(self, name: str) -> int:
        """Return what register `name` holds after the clock edge."""
        return self.evaluate(self.binds[name][0].tree)

    def evaluate(self, tree: Any) -> int:
        """Return the value of a dataflow tree."""
        if isinstance(tree, flow.DFTerminal):
            return self.of(str(tree.name))
        if isinstance(tree, flow.DFIntConst):
            return int(tree.eval())
        if isinstance(tree, flow.DFBranch):
            chosen = tree.truenode if self.evaluate(tree.condnode) else tree.falsenode
            return self.evaluate(chosen)
        if isinstance(tree, flow.DFConcat) and not any(self.evaluate(node) for node in tree.nextnodes):
            return 0  # the only concatenation is the reset value
        if isinstance(tree, flow.DFOperator):
            return self._operate(tree.operator, [self.evaluate(node) for node in tree.nextnodes])
        raise self.form.fail(f"cannot evaluate {type(tree).__name__}, so nothing is proven")

    def _operate(self, operator: str, values: list[int]) -> int:
        mask = (1 << WIDTH) - 1
        left, right = values[0], values[-1]
        table = {
            "And": left & right,
            "Or": left | right,
            "Xor": left ^ right,
            "Unot": ~left & mask,
            "Uor": int(left != 0),
            "Unor": int(left == 0),
            "NotEq": int(left != right),
            "Eq": int(left == right),
        }
        if operator not in table:
            raise self.form.fail(f"cannot evaluate operator {operator}, so nothing is proven")
        return table[operator]
