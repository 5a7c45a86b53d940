"""The check of triplication for users and flows: of a netlist file, or of emitted Verilog, which is synthesised."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.files import read_json
from codesign.flows import yosys_scripts as scripts
from codesign.flows.flat_netlist import flat_netlist, is_flat, is_whole
from codesign.flows.liberty import Library, read_liberty
from codesign.flows.netlist import read_module
from codesign.flows.rtl_input import read_manifest
from codesign.flows.tmr_netlist import TmrReport, check, check_netlist, no_garbage_collection
from codesign.flows.tmr_rules import Requirement
from codesign.flows.yosys import synthesise_asic, synthesise_gates
from codesign.flows.yosys_job import run_job
from codesign.protection import LANE_MODES
from codesign.register_map import RegisterMap
from codesign.verilog_names import identifier

SELECTIVE = "selective"
VOTERS = "triplicated_voters"
_VOTED_COPY = "triplicated_voters.copies.copyA"
DEFAULT_CLOCK_NS = 25.0
VERILOG = (".v", ".vg", ".sv")


def check_path(path: Path, top: str | None, requirement: Requirement, liberty: Path | None, work: Path) -> TmrReport:
    """Check a netlist, Yosys' JSON or Verilog, or the Verilog of a folder with a manifest, against `requirement`.

    The folder is synthesised in `work`, to the cells of `liberty` if given; a netlist with words or modules is mapped
    to flat gates.
    """
    library = None if liberty is None else read_liberty(liberty)
    if not path.is_dir():
        return _check_file(path, top, requirement, library, work)
    manifest = read_manifest(path)
    if liberty is None:
        netlist = synthesise_gates(path, work)
    else:
        netlist = synthesise_asic(path, liberty, work, float(manifest.get("clock_ns", DEFAULT_CLOCK_NS))).netlist_json
    return _check_promise(manifest, netlist, requirement, library)


def _check_file(
    path: Path, top: str | None, requirement: Requirement, library: Library | None, work: Path
) -> TmrReport:
    if path.suffix in VERILOG:
        script = scripts.to_gates_script(top, "netlist.v")
        path = run_job(script, "to_gates", {"netlist.v": path}, work, 3600.0) / "netlist.json"
    with no_garbage_collection():
        modules = read_json(path).get("modules", {})
        top = top or _top(path, modules)
        if top in modules and is_flat(modules[top], modules):
            return check(flat_netlist(modules[top], path, top, library), requirement)
    mapped = run_job(scripts.to_gates_script(top), "to_gates", {"words.json": path}, work, 3600.0) / "netlist.json"
    return check_netlist(mapped, top, requirement, library)


def check_emitted(rtl_dir: Path, netlist: Path, library: Library | None) -> TmrReport:
    """Check a netlist made of `rtl_dir` for all that its manifest promises."""
    manifest = read_json(rtl_dir / "manifest.json")
    return _check_promise(manifest, netlist, requirement_of(manifest), library)


def _check_promise(
    manifest: dict[str, Any], path: Path, requirement: Requirement, library: Library | None
) -> TmrReport:
    with no_garbage_collection():
        netlist = flat_netlist(read_module(path, manifest["top"]), path, manifest["top"], library)
        once = dict.fromkeys(never_held(netlist.names), "registers") if requirement.mode == VOTERS else {}
        exceptions = once | dict(requirement.exceptions)
        return check(netlist, replace(requirement, exceptions=exceptions, logic_once=True))


def never_held(names: Iterable[str]) -> tuple[str, ...]:
    """Return the prefixes of `tmr_register`s with a voter for each copy of which only one is left.

    Where the enable is constant there is no value to hold, so that the voters of copies B and C feed nothing and go;
    what comes back through the logic around passes voter A, as that logic stands once in this mode. If synthesis had
    merged the voters, their names would still be there.
    """
    plain = [name.replace("$flatten", "").replace("\\", "") for name in names]
    voted = {name.partition(".voterB.")[0] + "." for name in plain if ".voterB." in name}
    return tuple(sorted({name.removesuffix("copyA") for name in plain if name.endswith(_VOTED_COPY)} - voted))


def manifest_requirement(path: Path) -> Requirement:
    """Return what the manifest of folder `path` promises; for a netlist file, mode `registers`."""
    return requirement_of(read_manifest(path)) if path.is_dir() else Requirement()


def requirement_of(manifest: dict[str, Any]) -> Requirement:
    """Return what the manifest of an emitted design promises."""
    mode = str(manifest["tmr"])
    requirement = requirement_for(mode)
    protected = int(manifest["protected_bits"])
    nodes = {f"u_{identifier(node)}": own for node, own in manifest["tmr_nodes"].items()}
    exceptions = {f"{instance}{end}": own for instance, own in nodes.items() for end in (".", "_r")}
    counters = _counters(manifest)
    if mode in LANE_MODES:  # what they count stands once
        exceptions |= dict.fromkeys(counters, "triplicated_voters")
    requirement = replace(requirement, exceptions=exceptions, counters=counters)
    return replace(requirement, protected_bits=protected, error_output_required=True) if protected else requirement


def _counters(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Names of the registers that count errors in the register block."""
    registers = RegisterMap.of(manifest)
    counts = [one.full_name for one in registers.registers if one.name == "errors"] if registers else []
    return tuple(f"u_parameters.u_{name}." for name in counts)


def requirement_for(mode: str) -> Requirement:
    """Return the requirement of a mode by its name; the triples of a selective design keep the rules of `registers`."""
    if mode.partition(":")[0] == SELECTIVE:
        return Requirement("registers", selective=True)
    return Requirement(mode)


def _top(path: Path, modules: dict[str, Any]) -> str:
    """Return the top module of a Yosys JSON netlist: the one marked so, or the only one not of a library."""
    marked = [n for n, m in modules.items() if int(str(m.get("attributes", {}).get("top", "0")), 2)]
    names = marked or [name for name, module in modules.items() if is_whole(module)]
    if len(names) != 1:
        choice = ", ".join(names) or "none"
        raise BadInputError(f"{path} does not say which module is the top: choose with --top of {choice}")
    return str(names[0])
