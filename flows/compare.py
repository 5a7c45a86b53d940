"""`codesign compare`: the metrics of runs against those of the first, as a table."""

import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from codesign.answer import Answer
from codesign.compare_runs import Difference, differences, parse_thresholds
from codesign.errors import BadInputError
from codesign.exits import VERIFICATION_FAILED
from codesign.files import read_json
from codesign.flows.runner import METRICS_JSON
from codesign.report_text import number
from codesign.run_metrics import Metric, by_name, read_metrics


def compare(folders: Sequence[Path], thresholds: Sequence[str]) -> Answer:
    """Return how runs differ from the first one; exit code 1 if one is worse by more than a threshold."""
    if len(folders) < 2:
        raise BadInputError("compare needs the folders of two runs or more, the one to compare with first")
    limits, first = parse_thresholds(thresholds), metrics_of_run(folders[0])
    found = {folder: differences(first, metrics_of_run(folder), limits) for folder in folders[1:]}
    failed = [one for differing in found.values() for one in differing if one.regression]
    text = "\n".join(_text(folders[0], folder, differing) for folder, differing in found.items())
    return Answer(text, _record(folders[0], found), VERIFICATION_FAILED if failed else 0)


def metrics_of_run(folder: Path) -> Mapping[str, Metric]:
    """Return the metrics of a run by name; `BadInputError` for a folder that is none or a damaged file."""
    path = folder / METRICS_JSON
    if not path.exists():
        raise BadInputError(f"{folder} holds no {METRICS_JSON}: codesign run writes one")
    return by_name(read_metrics(read_json(path), str(path)))


def _text(first: Path, other: Path, found: Sequence[Difference]) -> str:
    if not found:
        return f"{other}: no difference to {first}"
    # On a narrow terminal the paths of the runs are folded, what is found is not.
    metric, change, found_worse = (Column(header, no_wrap=True) for header in ("metric", "change", ""))
    table = Table(metric, "unit", str(first), str(other), change, "threshold", found_worse)
    for one in found:
        limit = "" if one.limit_percent is None else f"{one.limit_percent:g} %"
        verdict = "REGRESSION" if one.regression else "worse" if one.worse else ""
        table.add_row(one.name, one.unit, _value(one.first), _value(one.other), _change(one), limit, verdict)
    text = io.StringIO()
    wide = max(shutil.get_terminal_size((200, 24)).columns, 100)
    Console(file=text, markup=False, width=wide).print(table)
    return f"{text.getvalue()}{len(found)} metrics differ, {_verdict(found)}"


def _verdict(found: Sequence[Difference]) -> str:
    if all(one.limit_percent is None for one in found):
        return f"{sum(one.worse for one in found)} of them for the worse; none of them has a --threshold to fail at"
    return f"{sum(one.regression for one in found)} of them worse than the threshold"


def _value(value: float | None) -> str:
    return "-" if value is None else number(value)


def _change(one: Difference) -> str:
    if one.percent is None:
        return "gone" if one.other is None else "new"
    return f"{one.percent:+.2f} %"


def _record(first: Path, found: Mapping[Path, Sequence[Difference]]) -> dict[str, Any]:
    """JSON knows no infinity: a change from zero has no per cent there."""
    runs = {
        str(folder): [
            asdict(one) | {"percent": one.percent if one.first else None, "regression": one.regression}
            for one in differing
        ]
        for folder, differing in found.items()
    }
    return {"first": str(first), "differences": runs}
