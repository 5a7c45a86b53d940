"""The page as text: the verdict first, every number linked, nothing from outside, the same bytes every time."""

import re
from html import unescape

import pytest

from codesign.cli import execute
from codesign.errors import BadInputError
from codesign.page.files import GRAPH, MANIFEST, UPSETS, VALUES, RunFolder
from codesign.page.render import write_page
from codesign.page.verdict import verdict
from tests.page.run_zoo import MEASURED, STAT, write_run

LARGEST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "tiny")
    write_page(folder)
    return folder


@pytest.fixture(scope="module")
def html(run):
    return (run / "report.html").read_text()


def test_the_page_is_one_small_file_that_needs_nothing_else(html):
    assert len(html.encode()) < LARGEST_BYTES
    assert re.findall(r"(?:src|url)\s*[=(]\s*[\"']?https?:", html) == []
    assert "<script" not in html
    assert "@import" not in html


@pytest.mark.parametrize(
    ("limits", "headline", "mark"),
    [
        (("ii <= 60 ns", "latency <= 400 ns"), "Meets its budget", "good"),
        (("ii <= 49.9 ns", "latency <= 400 ns"), "Misses its budget", "bad"),
        (("ii <= 60 ns", "area <= 1 mm2"), "Budget not fully known", "open"),
        (("ii <= 49 ns", "area <= 1 mm2"), "Misses its budget", "bad"),
    ],
)
def test_the_verdict_is_that_of_the_constraints(limits, headline, mark, tmp_path):
    folder = write_run(tmp_path / "tiny", limits=limits, full=False, physics=None)
    found = verdict(RunFolder(folder))
    assert (found.headline, found.mark) == (headline, mark)
    html = write_page(folder).read_text()
    assert html.index(headline) < html.index("Key figures")


def test_every_number_of_the_report_links_to_its_file_with_the_hash(run, html):
    report = RunFolder(run).report
    for value, source in (("2", MEASURED), ("50", MEASURED), ("1\u202f234", STAT)):
        assert re.search(rf'<a href="{source}" title="[^"]*SHA-256 [0-9a-f]{{64}}">{value}[^<]*</a>', html), value
    assert report.area[0].quantities["cell area"].sha256 in html


def test_links_are_to_files_that_are_there(run, html):
    targets = {unescape(target) for target in re.findall(r'(?:xlink:)?href="(?!data:)([^"#]+)"', html)}
    assert targets >= {MANIFEST, GRAPH, UPSETS, VALUES, "figures/dataflow.pdf"}
    assert [target for target in targets if not (run / target).is_file()] == []


def test_a_file_that_changed_since_or_is_gone_is_said_so(tmp_path):
    folder = write_run(tmp_path / "tiny")
    with (folder / STAT).open("a") as stream:
        stream.write("\n")
    (folder / MEASURED).unlink()
    html = write_page(folder).read_text()
    assert f"{STAT}, changed since the report was written" in html
    assert f"{MEASURED}, not kept" in html
    assert f'href="{MEASURED}"' not in html


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    again = write_run(tmp_path / "runs" / "tiny")
    write_page(again)
    for name in ["report.html", *(f"figures/{path.name}" for path in (run / "figures").iterdir())]:
        assert (run / name).read_bytes() == (again / name).read_bytes(), name


def test_text_from_a_run_is_escaped(tmp_path):
    name = "<script>alert(1)</script>"
    html = write_page(write_run(tmp_path / "tiny", name=name, physics="classifier")).read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<b>t" not in html


def test_a_node_without_cells_is_not_said_to_be_unmeasured(tmp_path):
    html = write_page(write_run(tmp_path / "tiny")).read_text()
    assert "area: no cells of its own" in html and "power: no cells of its own" in html
    assert "area: not measured" not in html


def test_what_was_not_run_is_said_and_never_invented(tmp_path):
    html = write_page(write_run(tmp_path / "tiny", full=False, physics=None)).read_text()
    assert "Power was not measured" in html
    assert "No upsets were injected" in html
    assert "area: not measured" in html
    assert "no physics table" in html
    assert not re.search(r"\bnan\b", html)


def test_runs_of_the_same_design_beside_it_are_compared(tmp_path):
    runs = [write_run(tmp_path / f"reuse{reuse}", reuse=reuse, physics=None) for reuse in (1, 2)]
    html = write_page(runs[0]).read_text()
    assert 'href="../reuse2/report.json"' in html
    assert "on the front" in html
    assert (
        "No other run of this design"
        in write_page(write_run(tmp_path / "elsewhere" / "tiny", full=False, physics=None)).read_text()
    )


def test_figures_for_papers_are_not_empty(run):
    for name in ("dataflow", "schedule", "events", "emd_occupancy", "emd_energy", "area_by_node", "power_by_node"):
        assert (run / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_a_folder_without_a_report_is_refused_in_one_line(tmp_path):
    with pytest.raises(BadInputError, match=r"cannot read .*: No such file or directory: codesign run writes it"):
        write_page(tmp_path)


def test_the_command_writes_the_page_and_prints_its_path(tmp_path, capsys):
    folder = write_run(tmp_path / "tiny", full=False, physics=None)
    assert execute(["report", str(folder), "--html"]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert (folder / "report.html").is_file()
