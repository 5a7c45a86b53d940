"""The tutorial notebooks run, and give the figures that they should; a cell that raises is seen."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
NAMES = sorted(path.stem for path in TUTORIALS.glob("*.ipynb"))
# What a notebook prints, and where the number has to lie: the range leaves room for another training, not for a fault.
FIGURES = {"autoencoder": ("mean EMD", 0.2, 0.8), "tracker": ("AUC", 0.97, 1.0)}
CELL_TIMEOUT_S = 600


def executed(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Run all cells in `folder`; return what they print."""
    client = NotebookClient(notebook, timeout=CELL_TIMEOUT_S, resources={"metadata": {"path": str(folder)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def figure(name: str, printed: str) -> float:
    found = re.search(rf"^{name}: ([0-9.]+)$", printed, re.MULTILINE)
    assert found, f"the notebook does not print its {name}"
    return float(found.group(1))


def test_every_tutorial_has_a_figure_to_check():
    assert sorted(FIGURES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_is_stored_without_outputs(name):
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs(name, tmp_path):
    printed = executed(nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4), tmp_path)
    what, low, high = FIGURES[name]
    assert low <= figure(what, printed) <= high
    assert re.search(r"^RTL = integer graph, case \w+: (\d+) of \1$", printed, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cell_that_raises_is_seen(tmp_path):
    cells = [
        nbformat.v4.new_code_cell("print('AUC: 0.99')"),
        nbformat.v4.new_code_cell("assert 1 == 2, 'as it should'"),
    ]
    with pytest.raises(CellExecutionError, match="as it should"):
        executed(nbformat.v4.new_notebook(cells=cells), tmp_path)


def test_a_figure_that_is_missing_or_wrong_is_seen():
    with pytest.raises(AssertionError, match="does not print"):
        figure("AUC", "auc 0.99\n")
    what, low, high = FIGURES["tracker"]
    assert not low <= figure(what, "AUC: 0.5000\n") <= high
