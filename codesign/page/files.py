"""Files of a run as the page finds them: content, links, and whether they are still those that the report names."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from codesign.files import read_json, sha256_of
from codesign.graph import Graph
from codesign.graph_json import graph_from_json
from codesign.ops import OPERATORS
from codesign.report import Report, read_report

# Where things lie in the folder of a run (docs/runs.md).
REPORT, GRAPH, MANIFEST = "report.json", "01-bind/graph.json", "03-compile/rtl/manifest.json"
VALUES, EVENTS = "05-physics/physics.json", "05-physics/events.json"
UPSETS, UPSET_RATE = "inject/seu.json", "upset-rate/upset_rate.json"
PAGE, FIGURES = "report.html", "figures"
State = Literal["as reported", "changed", "absent"]


@dataclass(frozen=True)
class Link:
    """A file of the run: `href` relative to the page, None if the file is not there; `title` names it with its hash."""

    href: str | None
    title: str


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; files are named relative to it, as in its report."""

    folder: Path

    @cached_property
    def report(self) -> Report:
        """The report; `BadInputError` if there is none."""
        return read_report(self.folder / REPORT)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the emitted block is; `BadInputError` if it is missing."""
        found: dict[str, Any] = read_json(self.folder / MANIFEST, written_by="codesign run")
        return found

    @cached_property
    def graph(self) -> Graph:
        """The dataflow graph."""
        return graph_from_json(json.dumps(read_json(self.folder / GRAPH, written_by="codesign run")), OPERATORS)

    def content(self, name: str) -> Any:
        """Return what the JSON file `name` holds, None if the run has no such file."""
        path = self.folder / name
        return read_json(path) if path.is_file() else None

    def state(self, name: str, sha256: str | None) -> State:
        """Whether the file `name` is there and has the hash that the report gives."""
        found = self._digest(name)
        if found is None:
            return "absent"
        return "as reported" if sha256 in (None, found) else "changed"

    def link(self, name: str, sha256: str | None = None) -> Link:
        """Return the link to file `name`; its title has the hash, or says that the file is another one by now."""
        state, digest = self.state(name, sha256), sha256 or self._digest(name)
        notes = {"as reported": "", "changed": ", changed since the report was written", "absent": ", not kept"}
        title = f"{name}{notes[state]}" + (f", SHA-256 {digest}" if digest else "")
        return Link(None if state == "absent" else quote(name), title)

    @property
    def tag(self) -> str:
        """The name of the run."""
        return self.folder.resolve().name

    def link_to(self, other: "RunFolder", name: str) -> Link:
        """Return the link to file `name` of another run."""
        path = os.path.relpath(other.folder.resolve() / name, self.folder.resolve())
        return Link(quote(Path(path).as_posix()), f"{name} of run {other.tag}")

    def siblings(self) -> Iterable["RunFolder"]:
        """Runs of the same design beside this one, this one among them, in the order of their names."""
        runs = (RunFolder(path.parent) for path in sorted(self.folder.resolve().parent.glob(f"*/{REPORT}")))
        return [run for run in runs if run.report.design.name == self.report.design.name]

    def _digest(self, name: str) -> str | None:
        path = self.folder / name
        return sha256_of(path) if path.is_file() else None
