"""The emitted RTL as the flows read it: its manifest and the files it names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.errors import BadInputError
from codesign.files import read_json
from codesign.options import SELECTIVE, TMR_MODES

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# Where a run has its Verilog.
RTL_OF_RUN = "03-compile/rtl"
_TABLES = (".hex", ".mem", ".vh")


@dataclass(frozen=True)
class RtlInput:
    """Top module, source files in order, tables they read, and the register bits declared before triplication.

    `protected_bits` of the register bits stand three times; `tmr` is the mode of triplication of the design, and
    `protection_varies` says that single nodes or bits have another. `nodes` are those of the dataflow graph that can
    have hardware of their own.
    """

    top: str
    sources: tuple[Path, ...]
    tables: tuple[Path, ...]
    register_bits: int
    protected_bits: int
    tmr: str
    protection_varies: bool
    clocks: tuple[str, ...]
    resets: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def expected_flip_flop_bits(self) -> int:
        """Flip-flop bits that synthesis has to keep: three copies of each declared bit, or one."""
        return self.register_bits + 2 * self.protected_bits


def read_rtl(rtl_dir: Path) -> RtlInput:
    """Read `rtl_dir`/manifest.json; `BadInputError` if a field or a file is missing or has an illegal name."""
    manifest = read_manifest(rtl_dir)
    sources = tuple(_source(rtl_dir, str(name)) for name in manifest["sources"])
    protected = int(manifest.get("protected_bits", manifest["register_bits"] if manifest["tmr"] == "registers" else 0))
    mode = manifest["tmr"]
    varies = mode == SELECTIVE or bool(manifest.get("tmr_nodes"))
    tables = tuple(sorted(file for file in rtl_dir.iterdir() if file.suffix in _TABLES))
    clocks, resets = tuple(manifest.get("clocks", ("clk",))), tuple(manifest.get("resets", ("rst",)))
    resets += tuple(manifest.get("config_resets", ()))
    bits = manifest["register_bits"]
    return RtlInput(manifest["top"], sources, tables, bits, protected, mode, varies, clocks, resets, _nodes(manifest))


def read_manifest(rtl_dir: Path) -> dict[str, Any]:
    """Return the manifest of emitted Verilog; `BadInputError` if it is missing, or is that of something else."""
    path = rtl_dir / "manifest.json"
    manifest = read_json(path, written_by=f"codesign compile (give {RTL_OF_RUN} of a run)")
    if isinstance(manifest, dict) and "steps" in manifest:
        raise BadInputError(f"{rtl_dir} is the folder of a run: give the Verilog in it, {rtl_dir / RTL_OF_RUN}")
    _check(manifest, path)
    return dict(manifest)


def _nodes(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    ports = [port["name"] for kind in ("inputs", "outputs", "parameters") for port in manifest.get(kind, ())]
    return tuple(dict.fromkeys([*manifest.get("schedule", ()), *ports]))


def _check(manifest: Any, path: Path) -> None:
    keys = ("top", "sources", "register_bits", "tmr")
    missing = [key for key in keys if key not in manifest] if isinstance(manifest, dict) else list(keys)
    if missing:
        raise BadInputError(f"{path} lacks {', '.join(missing)}: emit the RTL again")
    if not _IDENTIFIER.fullmatch(str(manifest["top"])):
        raise BadInputError(f"{path}: top {manifest['top']!r} is no Verilog identifier")
    if manifest["tmr"] not in (*TMR_MODES, SELECTIVE):
        raise BadInputError(f"{path}: tmr is {manifest['tmr']!r}, must be one of {', '.join(TMR_MODES)}, {SELECTIVE}")
    if not isinstance(manifest["sources"], list) or not manifest["sources"]:
        raise BadInputError(f"{path}: sources must be a list of at least one file name")
    if type(manifest["register_bits"]) is not int or manifest["register_bits"] < 0:
        raise BadInputError(f"{path}: register_bits must be a whole number, got {manifest['register_bits']!r}")


def _source(rtl_dir: Path, name: str) -> Path:
    if not _FILE_NAME.fullmatch(name):
        raise BadInputError(f"source {name!r} in {rtl_dir / 'manifest.json'} must be a plain file name")
    path = rtl_dir / name
    if not path.is_file():
        raise BadInputError(f"{path} is named in the manifest but missing: emit the RTL again")
    return path
