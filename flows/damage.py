"""`codesign damage`: flip every weight bit of a design, one at a time, and rank them by the change of its metric.

Blocks of events run on two processes; a block that is done is kept, so that a run that was ended goes on.
"""

import dataclasses
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from codesign.answer import Answer
from codesign.damage import Damage, Measured, RowMetric, measure, output_change, summarise
from codesign.files import sha256_of, text_sha256, write_json, write_with
from codesign.fixed import Integers
from codesign.flows.damage_figure import damage_figure
from codesign.flows.design import Bound, case_named
from codesign.flows.progress import progress_bar
from codesign.flows.run import load_design
from codesign.flows.run_lock import locked
from codesign.graph import Graph
from codesign.options import RunOptions
from codesign.report_text import columns
from codesign.weight_bits import WeightBit, programmable, weight_bits

EVENTS, BLOCK_EVENTS = 500, 125
PROCESSES = 2
SHOWN = 10
FOLDER, RESULT, FIGURE, BLOCKS = "damage", "damage.json", "damage.png", "blocks"
OUTPUT_CHANGE = ("mean absolute change of the outputs", "LSB")


@dataclass(frozen=True)
class Work:
    """A design with its weights as parameters: graph, inputs and parameters, bits, and what is measured."""

    graph: Graph
    inputs: Mapping[str, Integers]
    parameters: Mapping[str, Integers]
    bits: tuple[WeightBit, ...]
    bound: Bound
    case: str

    @property
    def events(self) -> int:
        """Number of events."""
        return len(next(iter(self.inputs.values())))

    @property
    def metric(self) -> tuple[str, str]:
        """Name and unit of what is measured."""
        return (self.bound.metric.name, self.bound.metric.unit) if self.bound.metric else OUTPUT_CHANGE

    def key(self) -> str:
        """SHA-256 of all that the results depend on."""
        arrays = {**self.inputs, **self.parameters}
        parts = [self.graph.digest, *self.metric, *(sha256_of(path) for path in self.bound.files)]
        parts += [f"{name} {array.shape} {array.tolist()}" for name, array in sorted(arrays.items())]
        return text_sha256("\n".join(parts))

    def measure(self, start: int) -> Measured:
        """Return the result of the block of events that begins at `start`."""
        chosen = slice(start, start + BLOCK_EVENTS)
        values = {**{name: array[chosen] for name, array in self.inputs.items()}, **self.parameters}
        return measure(self.graph, values, self.bits, self._row_metric(start, values))

    def _row_metric(self, start: int, values: Mapping[str, Integers]) -> RowMetric:
        metric = self.bound.metric
        if metric is None:
            return output_change(self.graph, values)
        return lambda outputs, events: metric.of(outputs, events + start)


def damage_design(options: RunOptions) -> Answer:
    """Measure, rank, write `damage.json` and `damage.png` into `damage`, and return the table of the worst bits."""
    options = dataclasses.replace(options, vectors=options.vectors or EVENTS)
    with locked(options.run_folder):
        return _damage(prepare(options), options, options.run_folder / FOLDER)


def _damage(work: Work, options: RunOptions, folder: Path) -> Answer:
    parts = _blocks(work, options, folder / BLOCKS / work.key()[:16])
    damage = summarise(parts)
    order = np.argsort(-damage.mean, kind="stable")
    content = _content(work, damage, order, sum(part.rows for part in parts))
    path = write_json(folder / RESULT, content)
    damage_figure(work.bits, damage, f"change of {work.metric[0]} [{work.metric[1]}]", folder / FIGURE)
    return Answer(f"{_text(work, damage, order)}\n{path}\n{folder / FIGURE}", content)


def prepare(options: RunOptions) -> Work:
    """Bind the design and make its weights programmable; `BadInputError` for a case that it does not have."""
    bound = load_design(options.design).bind(options)
    case = case_named(bound, options.case)
    graph, values = programmable(bound.graph)
    return Work(graph, bound.inputs, {**values, **case.parameters}, weight_bits(graph), bound, case.name)


def _blocks(work: Work, options: RunOptions, folder: Path) -> list[Measured]:
    """Return the results of all blocks; those that are not in `folder` yet are computed by other processes."""
    files = {start: folder / f"events_{start:06d}.npz" for start in range(0, work.events, BLOCK_EVENTS)}
    missing = [start for start, file in files.items() if not file.exists()]
    if not options.quiet:
        click.echo(
            f"{len(work.bits)} bits, {work.events} events: {len(missing)} of {len(files)} blocks to do", err=True
        )
    if len(missing) == 1:
        _write(files[missing[0]], work.measure(missing[0]))
    elif missing:
        # Spawned, not forked: threads of libraries that the parent has used do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with (
            ProcessPoolExecutor(PROCESSES, context, initializer=_bind_worker, initargs=(options,)) as pool,
            progress_bar("blocks", len(missing), quiet=options.quiet) as advance,
        ):
            running = [pool.submit(_run_block, start, files[start]) for start in missing]
            try:
                for future in as_completed(running):
                    future.result()
                    advance(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return [_read(file) for file in files.values()]


_WORKER: dict[str, Work] = {}  # what a worker process binds once


def _bind_worker(options: RunOptions) -> None:
    _WORKER["work"] = prepare(options)


def _run_block(start: int, file: Path) -> None:
    _write(file, _WORKER["work"].measure(start))


def _write(file: Path, measured: Measured) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez(stream, **vars(measured))

    write_with(file, save)


def _read(file: Path) -> Measured:
    with np.load(file, allow_pickle=False) as arrays:
        kept = {name: arrays[name] for name in ("base", "all_signs", "flipped", "changed")}
        return Measured(**kept, rows=int(arrays["rows"]))


def _content(work: Work, damage: Damage, order: Integers, rows: int) -> dict[str, Any]:
    return {
        "design": work.graph.name,
        "case": work.case,
        "metric": {"name": work.metric[0], "unit": work.metric[1], "has_decoder": work.bound.metric is not None},
        "events": damage.events,
        "bits": len(work.bits),
        "answers": rows,
        "without_flip": {"mean": damage.base_mean, "quantile_90": damage.base_quantile},
        "all_sign_bits": {"mean_change": damage.all_signs},
        "ranked": [_row(work, damage, int(place)) for place in order],
    }


def _row(work: Work, damage: Damage, place: int) -> dict[str, Any]:
    bit = work.bits[place]
    shape = work.graph.types[bit.parameter].shape
    return {
        "parameter": bit.parameter,
        "element": bit.element,
        "index": [int(i) for i in np.unravel_index(bit.element, shape)],
        "bit": bit.bit,
        "value": int(work.parameters[bit.parameter].flat[bit.element]),
        "mean_change": float(damage.mean[place]),
        "error": float(damage.error[place]),
        "quantile_90_change": float(damage.quantile[place]),
        "events_changed": float(damage.changed[place]),
    }


def _text(work: Work, damage: Damage, order: Integers) -> str:
    name, unit = work.metric
    what = f"{name} [{unit}]" + ("" if work.bound.metric else " (no decoder belongs to this design)")
    rows = [_row(work, damage, int(place)) for place in order[:SHOWN]]
    head = ["weight", "value", "bit", "mean change", "+-", "90 % quantile", "events changed"]
    table = [
        [
            f"{row['parameter']}{row['index']}",
            str(row["value"]),
            str(row["bit"]),
            *(f"{row[key]:.5f}" for key in ("mean_change", "error", "quantile_90_change")),
            f"{100 * row['events_changed']:.1f} %",
        ]
        for row in rows
    ]
    silent = int((damage.changed == 0).sum())
    lines = [
        f"{what}: mean {damage.base_mean:.5f}, 90 % quantile {damage.base_quantile:.5f} over {damage.events} events",
        f"{len(work.bits)} weight bits, case {work.case}; {silent} change no output; the worst:",
        *columns([head, *table]),
        f"all sign bits flipped: mean change {damage.all_signs:.5f}",
    ]
    return "\n".join(lines)
