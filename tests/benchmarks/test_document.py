from benchmarks import document
from benchmarks.hls4ml_emulation import Row, text
from tests.benchmarks.test_tables import row


def test_the_document_holds_every_result_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "RESULTS", tmp_path)
    (tmp_path / "emission.md").write_text("| one |\n", encoding="utf-8")
    (tmp_path / "emission.png").touch()
    made = document.document()
    assert made.startswith("# Benchmarks\n")
    assert made.endswith("## Emission\n\n| one |\n\n![Emission](../benchmarks/results/emission.png)\n")
    assert "## Reuse factors" not in made


def test_the_figure_is_drawn_the_same_every_time(tmp_path):
    rows = [row("codesign", 90), row("da4ml", 100), row("alkaid", 80, cycles=2)]
    first, second = (document.figure(rows, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert first != document.figure(rows[:2], tmp_path / "c.png").read_bytes()


def test_differences_of_an_emulation_are_shown():
    made = text([Row("jet", 5000, 3, 0.2, 7.0, 6000.0, {"hls4ml": "1.3.0"})])
    assert "| jet | 5000 | 3 | 0.2 | 7.0 | 6000 |" in made
    assert "hls4ml 1.3.0" in made
