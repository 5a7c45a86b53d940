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
from pathlib import Path
from typing import Any

from codesign.errors import VerificationError
from codesign.flows.rtl_input import RtlInput, read_rtl
from codesign.flows.source_lanes import FANOUT, has_lanes, lane_fault
from codesign.flows.tmr_function import LANES_REGISTER, REGISTER, VOTER, prove_registers
from codesign.flows.tmr_memory import MEMORIES, memory_fault
from codesign.flows.verilog_tree import names, targets, walk
from codesign.protection import LANE_MODES

with warnings.catch_warnings():
    # pyverilog 1.3.0 leaves its VERSION file open when it is imported.
    warnings.simplefilter("ignore", ResourceWarning)
    from pyverilog.vparser import ast
    from pyverilog.vparser.parser import ParseError, VerilogParser

STATEFUL = (REGISTER, LANES_REGISTER, *MEMORIES)  # the only modules with clocked processes


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
    if not rtl.protected_bits:
        raise VerificationError(f"{rtl_dir / 'manifest.json'}: the design was emitted with tmr=none")
    modules = _parse(rtl.sources)
    for module in modules.values():
        _check_processes(module)
        # Other modes of single nodes, or a selection of bits, stand as numbers in the top level.
        numbers_allowed = module.tree.name == rtl.top and rtl.protection_varies
        _check_instances(module, modules, numbers_allowed=numbers_allowed)
        _check_lanes(module, modules)
    _check_top(modules, rtl)
    for name in MEMORIES:
        if name in modules and (fault := memory_fault(modules[name].tree)):
            raise modules[name].fail(modules[name].tree, fault)
    registers = prove_registers({name: module.tree for name, module in modules.items()})
    processes = [process for module in modules.values() for process in module.find(ast.Always)]
    clocked = sum(_is_clocked(process) for process in processes)
    instances = sum(
        node.module in (REGISTER, LANES_REGISTER) for module in modules.values() for node in module.find(ast.Instance)
    )
    files = tuple(path.name for path in rtl.sources)
    return TmrProof(files, len(processes) - clocked, clocked, registers.copies, instances, registers.states_evaluated)


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
        if module.tree.name not in STATEFUL:
            raise module.fail(process, f"a clocked process outside of {', '.join(STATEFUL)}")
    elif kinds != {"all"}:
        raise module.fail(process, "a level-sensitive process other than always @*")
    else:
        missing = unassigned(process.statement)
        if missing:
            raise module.fail(process, f"'{sorted(missing)[0]}' is not assigned on every path: a latch")


def _check_instances(module: _Module, modules: Mapping[str, _Module], *, numbers_allowed: bool) -> None:
    """Every instance is of a module that was walked, and hands the parameter TMR down unchanged."""
    for instance in module.find(ast.Instance):
        target = modules.get(instance.module)
        if target is None:
            raise module.fail(instance, f"instance {instance.name} of {instance.module}, which no file defines")
        if "TMR" not in _parameters(target):
            continue
        given = {argument.paramname: argument.argname for argument in instance.parameterlist}
        if numbers_allowed and isinstance(given.get("TMR"), ast.IntConst):
            continue
        if str(given.get("TMR")) != "TMR" or "TMR" not in _parameters(module):
            raise module.fail(instance, f"instance {instance.name} does not hand down TMR")


def _check_lanes(module: _Module, modules: Mapping[str, _Module]) -> None:
    """Where signals stand in lanes, the lanes meet in voters alone."""
    if module.tree.name in (*STATEFUL, FANOUT) or not has_lanes(module.tree):
        return
    fault = lane_fault(module.tree, {name: one.tree for name, one in modules.items()})
    if fault:
        raise module.fail(*fault)


def _parameters(module: _Module) -> dict[str, Any]:
    found = [node for node in module.find(ast.Parameter) if type(node) is ast.Parameter]
    return {node.name: node.value.var for node in found}


def _check_top(modules: Mapping[str, _Module], rtl: RtlInput) -> None:
    in_lanes = rtl.tmr in LANE_MODES
    for name in (rtl.top, LANES_REGISTER if in_lanes else REGISTER, VOTER):
        if name not in modules:
            raise VerificationError(f"no file defines module {name}")
    instances = [(module, node) for module in modules.values() for node in module.find(ast.Instance)]
    for module, node in instances:
        if node.module == rtl.top:
            raise module.fail(node, "instantiates the top module")
        if in_lanes and node.module == REGISTER and not rtl.protection_varies:
            raise module.fail(node, f"instance {node.name} stands outside of the lanes")
    default = _parameters(modules[rtl.top]).get("TMR")
    if not in_lanes and (not isinstance(default, ast.IntConst) or (default.value == "0" and rtl.tmr != "none")):
        raise modules[rtl.top].fail(modules[rtl.top].tree, "parameter TMR is not set to triplicate")


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
