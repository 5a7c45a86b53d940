"""Proof, read off the emitted Verilog with pyverilog, that all state of a design is triplicated and voted.

Two parts. Structure, over every file: clocked processes stand in `tmr_register` and `tmr_memory` alone, nothing else
can hold a value (no initial value, no level-sensitive process, no combinational process that leaves a variable
unassigned, no cell from outside), and triplication is handed down from the top to every register; the memory is read
by `tmr_memory.py`. Function, for `tmr_register` with its voter:
pyverilog's dataflow analyser gives the next state of every copy, which is evaluated for all states and inputs.

What this does not show: that synthesis keeps the copies. The flip-flops are counted in the netlist for that.
"""

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.rtl_input import read_rtl
from codesign.flows.tmr_memory import MEMORY, memory_fault, walk

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.dataflow import dataflow as flow
    from pyverilog.dataflow.bindvisitor import BindVisitor
    from pyverilog.dataflow.modulevisitor import ModuleVisitor
    from pyverilog.dataflow.signalvisitor import SignalVisitor
    from pyverilog.vparser import ast
    from pyverilog.vparser.parser import ParseError, VerilogParser

REGISTER = "tmr_register"
VOTER = "majority_voter"
COPIES = 3
WIDTH = 2  # bits of the register that is evaluated exhaustively: enough to tell bitwise from reducing operators


@dataclass(frozen=True)
class TmrProof:
    """What was walked: files, processes by kind, the copies of the register, and the instances of the register."""

    files: tuple[str, ...]
    combinational_processes: int
    clocked_processes: int
    copies: tuple[str, ...]
    register_instances: int
    states_evaluated: int


@dataclass(frozen=True)
class _Module:
    file: str
    tree: Any

    def fail(self, node: Any, reason: str) -> VerificationError:
        return VerificationError(f"{self.file}:{node.lineno}: module {self.tree.name}: {reason}")

    def find(self, kind: type) -> Iterator[Any]:
        return (node for node in walk(self.tree) if isinstance(node, kind))


def prove_all_state_is_triplicated(rtl_dir: Path) -> TmrProof:
    """Walk every file that the manifest of `rtl_dir` names; `VerificationError`, with file and line, where it fails."""
    rtl = read_rtl(rtl_dir)
    if not rtl.triplicated:
        raise VerificationError(f"{rtl_dir / 'manifest.json'}: the design was emitted with tmr=none")
    modules = _parse(rtl.sources)
    for module in modules.values():
        _check_processes(module)
        _check_instances(module, modules)
    _check_top(modules, rtl.top)
    if MEMORY in modules and (fault := memory_fault(modules[MEMORY].tree)):
        raise modules[MEMORY].fail(modules[MEMORY].tree, fault)
    copies, states = _check_function(modules)
    processes = [process for module in modules.values() for process in module.find(ast.Always)]
    clocked = sum(_is_clocked(process) for process in processes)
    registers = sum(
        instance.module == REGISTER for module in modules.values() for instance in module.find(ast.Instance)
    )
    files = tuple(path.name for path in rtl.sources)
    return TmrProof(files, len(processes) - clocked, clocked, copies, registers, states)


def names(tree: Any) -> frozenset[str]:
    """Return the identifiers in `tree`."""
    return frozenset(node.name for node in walk(tree) if isinstance(node, ast.Identifier))


def targets(left: Any) -> frozenset[str]:
    """Return the signals that the left-hand side `left` assigns, without those in its indices."""
    if isinstance(left, ast.Identifier):
        return frozenset({left.name})
    parts = [left.var] if isinstance(left, ast.Lvalue | ast.Pointer | ast.Partselect) else left.children()
    return frozenset().union(*(targets(part) for part in parts))


def _parse(paths: tuple[Path, ...]) -> dict[str, _Module]:
    modules: dict[str, _Module] = {}
    for path in paths:
        for tree in _definitions(path):
            module = _Module(path.name, tree)
            if not isinstance(tree, ast.ModuleDef):
                raise VerificationError(f"{path.name}:{tree.lineno}: only modules may stand in a file")
            if tree.name in modules:
                raise module.fail(tree, f"defined before, in {modules[tree.name].file}")
            modules[tree.name] = module
    return modules


def _definitions(path: Path) -> tuple[Any, ...]:
    parser = _parser()
    parser.lexer.reset_lineno()
    try:
        return tuple(parser.parse(path.read_text(encoding="utf-8")).description.definitions)
    except ParseError as error:
        raise VerificationError(f"{path.name}: cannot be parsed, so nothing is proven: {error}") from error


@lru_cache(maxsize=1)
def _parser() -> Any:
    """Return the parser; its tables take a second to build."""
    with tempfile.TemporaryDirectory() as tables:
        return VerilogParser(outputdir=tables, debug=False)


def _is_clocked(process: Any) -> bool:
    return any(sense.type in ("posedge", "negedge") for sense in process.sens_list.list)


def _check_processes(module: _Module) -> None:
    for node in walk(module.tree):
        if isinstance(node, ast.Initial):
            raise module.fail(node, "an initial block sets state")
        if isinstance(node, ast.Decl) and _has_initial_value(node):
            raise module.fail(node, "a variable has an initial value")
        if isinstance(node, ast.Function | ast.Task | ast.AlwaysFF | ast.AlwaysComb | ast.AlwaysLatch):
            raise module.fail(node, f"{type(node).__name__} is no Verilog-2005 that this proof reads")
        if isinstance(node, ast.Assign) and targets(node.left) & names(node.right):
            raise module.fail(node, "an assignment feeds itself: a latch")
        if isinstance(node, ast.Always):
            _check_process(module, node)


def _has_initial_value(declaration: Any) -> bool:
    kinds = [type(one) for one in declaration.list]
    given = [one.value for one in declaration.list if isinstance(one, ast.Reg | ast.Integer)]
    return (ast.Reg in kinds and ast.Assign in kinds) or any(value is not None for value in given)


def _check_process(module: _Module, process: Any) -> None:
    kinds = {sense.type for sense in process.sens_list.list}
    if kinds & {"posedge", "negedge"}:
        if module.tree.name not in (REGISTER, MEMORY):
            raise module.fail(process, f"a clocked process outside of {REGISTER} and {MEMORY}")
    elif kinds != {"all"}:
        raise module.fail(process, "a level-sensitive process other than always @*")
    else:
        missing = unassigned(process.statement)
        if missing:
            raise module.fail(process, f"'{sorted(missing)[0]}' is not assigned on every path: a latch")


def _check_instances(module: _Module, modules: Mapping[str, _Module]) -> None:
    """Every instance is of a module that was walked, and hands the parameter TMR down unchanged."""
    for instance in module.find(ast.Instance):
        target = modules.get(instance.module)
        if target is None:
            raise module.fail(instance, f"instance {instance.name} of {instance.module}, which no file defines")
        if "TMR" not in _parameters(target):
            continue
        given = {argument.paramname: argument.argname for argument in instance.parameterlist}
        if str(given.get("TMR")) != "TMR" or "TMR" not in _parameters(module):
            raise module.fail(instance, f"instance {instance.name} does not hand down TMR")


def _parameters(module: _Module) -> dict[str, Any]:
    found = [node for node in module.find(ast.Parameter) if type(node) is ast.Parameter]
    return {node.name: node.value.var for node in found}


def _check_top(modules: Mapping[str, _Module], top: str) -> None:
    for name in (top, REGISTER, VOTER):
        if name not in modules:
            raise VerificationError(f"no file defines module {name}")
    instances = [(module, node) for module in modules.values() for node in module.find(ast.Instance)]
    for module, node in instances:
        if node.module == top:
            raise module.fail(node, "instantiates the top module")
    default = _parameters(modules[top]).get("TMR")
    if not isinstance(default, ast.IntConst) or default.value == "0":
        raise modules[top].fail(modules[top].tree, "parameter TMR is not set to triplicate")


def _check_function(modules: Mapping[str, _Module]) -> tuple[tuple[str, ...], int]:
    """Evaluate the register for all states and inputs; return the names of its copies and the number of cases."""
    register = modules[REGISTER]
    # The dataflow analyser keeps one driver of a signal: q and err have theirs in the voter, and in the single copy.
    driven = sorted(name for assign in register.find(ast.Assign) for name in targets(assign.left))
    if driven != ["err", "next", "q"]:
        raise register.fail(register.tree, f"assigns {', '.join(driven)}, not err, next and q once each")
    binds = _bindings(register.tree, modules[VOTER].tree)
    copies = _copies(register, binds)
    short = {name: name.rpartition(".")[2] for name in copies}
    cases = 0
    for rst, en in product((0, 1), repeat=2):
        for d, *state in product(range(1 << WIDTH), repeat=1 + COPIES):
            known = {f"{REGISTER}.rst": rst, f"{REGISTER}.en": en, f"{REGISTER}.d": d}
            values = _Values(binds, known | dict(zip(copies, state, strict=True)))
            _check_case(register, values, copies, (rst, en, d, *state))
            cases += 1
    return tuple(short.values()), cases


def _check_case(register: _Module, values: "_Values", copies: tuple[str, ...], case: tuple[int, ...]) -> None:
    rst, en, d, a, b, c = case
    majority = (a & b) | (b & c) | (c & a)
    if values.of(f"{REGISTER}.q") != majority:
        raise register.fail(register.tree, f"q is not the majority of its copies {a:b}, {b:b}, {c:b}")
    if values.of(f"{REGISTER}.err") != int(not a == b == c):
        raise register.fail(register.tree, f"err does not say whether the copies {a:b}, {b:b}, {c:b} differ")
    expected = 0 if rst else d if en else majority
    for name in copies:
        if values.next_state(name) != expected:
            reason = f"{name.rpartition('.')[2]} loads other than the voted next value at rst={rst}, en={en}, d={d:b}"
            raise register.fail(register.tree, f"{reason}, copies {a:b}, {b:b}, {c:b}")


def _copies(register: _Module, binds: Mapping[str, list[Any]]) -> tuple[str, ...]:
    """Return the registers: exactly three, each loaded at the rising clock edge in a process of its own."""
    clocked = {name: found for name, found in binds.items() if any(b.alwaysinfo is not None for b in found)}
    if len(clocked) != COPIES:
        raise register.fail(register.tree, f"{len(clocked)} registers where TMR is set, not {COPIES}")
    for name, found in clocked.items():
        info = found[0].alwaysinfo
        at_clock = info.isClockEdge() and (str(info.clock_name), info.clock_edge) == (f"{REGISTER}.clk", "posedge")
        if len(found) != 1 or not at_clock or info.senslist or info.reset_name:
            raise register.fail(register.tree, f"{name} is not loaded by one process at posedge clk")
    processes = {id(found[0].alwaysinfo) for found in clocked.values()}
    if len(processes) != COPIES:
        raise register.fail(register.tree, "copies share a process, so synthesis may merge them")
    return tuple(sorted(clocked))


def _bindings(register: Any, voter: Any) -> dict[str, list[Any]]:
    """Return what pyverilog's dataflow analyser binds to every signal, with WIDTH bits and TMR set."""
    for tree in (register, voter):
        for node in walk(tree):
            if isinstance(node, ast.Parameter) and node.name in ("WIDTH", "TMR"):
                node.value = ast.Rvalue(ast.IntConst(str(WIDTH if node.name == "WIDTH" else 1)))
    modules = ModuleVisitor()
    modules.visit(ast.Source("", ast.Description((register, voter))))
    signals = SignalVisitor(modules.get_moduleinfotable(), REGISTER)
    signals.start_visit()
    binder = BindVisitor(modules.get_moduleinfotable(), REGISTER, signals.getFrameTable(), noreorder=False)
    binder.start_visit()
    return {str(name): list(found) for name, found in binder.getDataflows().binddict.items()}


class _Values:
    """Values of signals, computed from the bindings and from the `known` values of inputs and registers."""

    def __init__(self, binds: Mapping[str, list[Any]], known: dict[str, int]) -> None:
        self.binds = binds
        self.known = known

    def of(self, name: str) -> int:
        """Return the value of signal `name`."""
        if name not in self.known:
            found = self.binds.get(name, [])
            if len(found) != 1:
                raise VerificationError(f"{REGISTER}: {name} has {len(found)} drivers, not one")
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
            return _operate(tree.operator, [self.evaluate(node) for node in tree.nextnodes])
        raise VerificationError(f"{REGISTER}: cannot evaluate {type(tree).__name__}, so nothing is proven")


def _operate(operator: str, values: list[int]) -> int:
    mask = (1 << WIDTH) - 1
    left, right = values[0], values[-1]
    table = {
        "And": left & right,
        "Or": left | right,
        "Xor": left ^ right,
        "Unot": ~left & mask,
        "Uor": int(left != 0),
        "NotEq": int(left != right),
        "Eq": int(left == right),
    }
    if operator not in table:
        raise VerificationError(f"{REGISTER}: cannot evaluate operator {operator}, so nothing is proven")
    return table[operator]


def unassigned(statement: Any) -> frozenset[str]:
    """Return the variables that `statement` assigns on some paths, but not on all."""
    return _some(statement) - _all(statement)


def _some(statement: Any) -> frozenset[str]:
    """Variables assigned on at least one path."""
    if isinstance(statement, ast.Substitution):
        return targets(statement.left)
    return frozenset().union(*(_some(child) for child in statement.children()))


def _all(statement: Any) -> frozenset[str]:
    """Variables assigned as a whole on every path."""
    if isinstance(statement, ast.Substitution):
        target = statement.left.var
        return frozenset({target.name}) if isinstance(target, ast.Identifier) else frozenset()
    if isinstance(statement, ast.Block):
        return frozenset().union(*(_all(child) for child in statement.statements))
    if isinstance(statement, ast.IfStatement):
        branches = (statement.true_statement, statement.false_statement)
        return _common([_all(branch) if branch is not None else frozenset() for branch in branches])
    if isinstance(statement, ast.CaseStatement):
        return _common([_all(case.statement) for case in statement.caselist]) if _is_full(statement) else frozenset()
    if isinstance(statement, ast.ForStatement):
        return _all(statement.pre)  # the body may never run
    return frozenset()


def _common(branches: list[frozenset[str]]) -> frozenset[str]:
    return frozenset.intersection(*branches)


def _is_full(statement: Any) -> bool:
    """Whether there is a default, or a literal for every value of the width of the literals."""
    if any(case.cond is None for case in statement.caselist):
        return True
    literals = {str(value) for case in statement.caselist for value in case.cond}
    widths = {text.partition("'")[0] for text in literals}
    width = next(iter(widths))
    return len(widths) == 1 and width.isdigit() and len(literals) == 1 << int(width)
