"""Edge AUC of the interaction network against its bit width: `python -m benchmarks.edge_auc --data GRAPHS.npz`.

Trains `codesign train interaction_network` at every bit width and without quantisers, from several seeds, evaluates
the best checkpoints in float64 on the graphs that no training saw, and writes benchmarks/results/edge_auc.json, .md and
.png after each. A training that was done before with the same options on the same data is not repeated.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import click
import numpy as np
from matplotlib.figure import Figure

from codesign.data.tracking import SectorGraphs, load_graphs
from codesign.files import read_json, sha256_of, write_json, write_text, write_with
from codesign.flows.tracking_physics import THRESHOLD, hit_distances_mm
from codesign.models.checkpoint import load_checkpoint
from codesign.models.interaction_network import FAMILY
from codesign.tracking_metrics import edge_auc, efficiency, purity
from codesign.train import loop
from codesign.train.interaction_network import (
    InteractionNetworkOptions,
    architecture,
    held_out_graphs,
    scores,
    train_interaction_network,
)

RESULTS = Path(__file__).parent / "results"
BITS: tuple[int | None, ...] = (4, 5, 6, 7, 8, None)  # None: the float model
SEEDS = (0, 1, 2)
TEST_FRACTION = 0.25
LARGEST_LOSS = 0.002  # of the area at 7 bits (Elabd et al., Front. Big Data 5 (2022) 828666)


@dataclass(frozen=True)
class Row:
    """One trained model on the test graphs; `bits` None: float."""

    bits: int | None
    seed: int
    auc: float
    auc_error: float
    efficiency: float
    purity: float
    hit_distance_mm: float


def measure(options: InteractionNetworkOptions, bits: int | None, test: SectorGraphs) -> Row:
    """Train, unless it was done, and evaluate on `test`."""
    model = load_checkpoint(_best(options), FAMILY).double()
    found = scores(model, test)
    area = edge_auc(found, test.y)
    return Row(
        bits,
        options.seed,
        auc=area.value,
        auc_error=area.error,
        efficiency=efficiency(found, test.y, THRESHOLD).value,
        purity=purity(found, test.y, THRESHOLD).value,
        hit_distance_mm=float(np.nanmean(hit_distances_mm(test, found))),
    )


def _best(options: InteractionNetworkOptions) -> Path:
    done, best = options.output / loop.FACTS_NAME, options.output / loop.BEST_NAME
    assert options.data is not None
    facts = loop.facts_of(options, sha256_of(options.data))
    record = read_json(done) if done.is_file() else {}
    is_same = all(record.get(name) == value for name, value in facts.items())
    if is_same and len(record["history"]) == options.float_epochs + options.qat_epochs:
        return best
    return train_interaction_network(options).best


def table(rows: Sequence[Row], test: tuple[int, int]) -> str:
    """Return the rows as a Markdown table, one line a bit width; `test`: numbers of test graphs and edges."""
    lines = [
        "# Edge AUC of the interaction network against its bit width",
        "",
        "Written by `python -m benchmarks.edge_auc`: `codesign train interaction_network --test-fraction 0.25` (H = 8)",
        "on the stored TrackML sector graphs, best checkpoints on the graphs left out: "
        f"{test[0]} graphs, {test[1]} edges, nothing",
        f"truncated. Means over {len({row.seed for row in rows})} seeds, of the AUC also lowest and highest. The",
        "statistical error is that of one model (Hanley and McNeil); all models see the same edges, so that of a",
        f"difference is smaller. Efficiency and purity at a score of {THRESHOLD}.",
        "",
        "| bits | AUC | lowest..highest | statistical error | float - AUC | efficiency | purity | hit distance, mm |",
        "|---|---|---|---|---|---|---|---|",
    ]
    floating = [row.auc for row in rows if row.bits is None]
    for bits in BITS:
        of = [row for row in rows if row.bits == bits]
        if of:
            areas = [row.auc for row in of]
            loss = f"{mean(floating) - mean(areas):.5f}" if floating and bits is not None else "-"
            rates = (f"{100 * mean(getattr(row, name) for row in of):.2f} %" for name in ("efficiency", "purity"))
            cells = (
                f"{mean(areas):.5f}",
                f"{min(areas):.5f}..{max(areas):.5f}",
                f"{mean(r.auc_error for r in of):.5f}",
            )
            last = f"{mean(row.hit_distance_mm for row in of):.2f}"
            lines.append("| " + " | ".join((str(bits or "float"), *cells, loss, *rates, last)) + " |")
    return "\n".join([*lines, ""])


def figure(rows: Sequence[Row], path: Path) -> Path:
    """Draw the area of every model against its bit width, the float model as a line. The PNG is whole or absent."""
    drawn = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = drawn.subplots()
    floating = [row.auc for row in rows if row.bits is None]
    if floating:
        axes.axhline(mean(floating), color="black", linewidth=1, label="float")
        axes.axhline(mean(floating) - LARGEST_LOSS, color="black", linestyle=":", label=f"float - {LARGEST_LOSS}")
    quantised = [(row.bits, row.auc, row.auc_error) for row in rows if row.bits is not None]
    if quantised:
        bits, areas, errors = zip(*quantised, strict=True)
        axes.errorbar(bits, areas, errors, fmt="o", markersize=4, capsize=2, label="quantised")
    axes.set_xticks([bits for bits in BITS if bits is not None])
    axes.set_xlabel("bits of weights, activations and values")
    axes.set_ylabel("edge AUC")
    axes.legend(frameon=False, fontsize=8)
    return write_with(
        path, lambda temporary: drawn.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    )


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/edge_auc"), show_default=True)
def main(data: Path, work: Path) -> None:
    """Train and evaluate every point, and write the results after each."""
    test = held_out_graphs(load_graphs(data), TEST_FRACTION)[1]
    rows: list[Row] = []
    for seed in SEEDS:
        for bits in BITS:
            options = InteractionNetworkOptions(
                output=work / f"b{bits or 0}_s{seed}",
                data=data,
                architecture=architecture(bits=bits),
                test_fraction=TEST_FRACTION,
                seed=seed,
                progress=False,
            )
            rows.append(measure(options, bits, test))
            click.echo(rows[-1])
            write_json(RESULTS / "edge_auc.json", {"rows": [asdict(row) for row in rows]})
            write_text(RESULTS / "edge_auc.md", table(rows, (len(test), len(test.y))))
            figure(rows, RESULTS / "edge_auc.png")


if __name__ == "__main__":
    main()
