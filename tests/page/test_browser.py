"""The page in headless Chromium: no errors, no requests, figures and links there, readable wide and narrow."""

import re
from pathlib import Path

import pytest

from codesign.page.render import write_page
from tests.page.browser import find_chromium, open_browser, problems
from tests.page.run_zoo import write_run

# Word, and background of the word and of the gauge, of every limit.
COLOURS = """() => [...document.querySelectorAll('.card')].map(card => {
    const colour = place => getComputedStyle(card.querySelector(place)).backgroundColor;
    return [card.querySelector('.word').textContent, colour('.word'), colour('.gauge span')];
})"""
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "report-page"


@pytest.fixture(scope="module")
def browser():
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: `make browser` installs one")
    with open_browser(executable) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(write_run(tmp_path_factory.mktemp("runs") / "tiny", physics=None))


def changed(page, old, new):
    """A copy of the page beside it, with one thing changed."""
    text = page.read_text()
    assert re.search(old, text)
    copy = page.with_name("changed.html")
    copy.write_text(re.sub(old, lambda _: new, text, count=1))
    return copy


@pytest.mark.parametrize("physics", ["encoder", "classifier", "tracker", None])
def test_the_page_is_right_at_every_width(physics, browser, tmp_path):
    page = write_page(write_run(tmp_path / "tiny", physics=physics, full=physics is not None))
    assert problems(browser, page, SCREENSHOTS / f"{physics or 'compiled'}") == []
    for width in (1280, 390):
        assert (SCREENSHOTS / f"{physics or 'compiled'}-{width}.png").stat().st_size > 20_000


def colours(browser, folder, limit):
    """Word and colours of an interval of 25 or 50 ns under a limit, and of a latency that is met."""
    shown = browser.new_page()
    limits = (limit, "latency <= 400 ns")
    shown.goto(write_page(write_run(folder, limits=limits, full=False, physics=None)).as_uri())
    found = shown.evaluate(COLOURS)
    shown.close()
    return found


def test_a_limit_has_its_own_colour_whatever_the_verdict(browser, tmp_path):
    met, beside_met = colours(browser, tmp_path / "met", "ii <= 60 ns")
    missed, beside_missed = colours(browser, tmp_path / "missed", "ii <= 1 ns")
    assert met == beside_met == beside_missed and met[0] == "met"
    assert missed[0] == "missed" and missed[1] != met[1] and missed[2] != met[2]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (r'href="report.json"', 'href="missing.json"', "broken link: 'missing.json'"),
        (r'href="#schedule"', 'href="#timetable"', "broken link: '#timetable'"),
        (r"<meta http-equiv[^>]*>", "<script>throw new Error('lost')</script>", "script error: lost"),
        (r"<meta http-equiv[^>]*>", "<script>console.error('odd')</script>", "console error: odd"),
        (r"<h1>", '<div style="width:3000px">wide</div><h1>', "390 px: needs 30"),
        (r"<h1>", '<img src="other.png" alt=""><h1>', "console error: Refused|console error: Loading the image"),
        (r"<meta http-equiv[^>]*>", '<img src="other.png" alt="">', "request: file://.*other.png"),
        (r"<svg[^>]*>(?s:.*?)</svg>", "", "figure .* is empty"),
        (r'<th scope="row"[^>]*>', "<td>", "has no headers"),
    ],
)
def test_what_is_wrong_is_seen(old, new, problem, browser, page):
    found = problems(browser, changed(page, old, new))
    assert any(re.search(problem, text) for text in found), found


def test_the_checks_find_nothing_where_nothing_is_wrong(browser, page):
    assert problems(browser, changed(page, "<h1>", "<h1>")) == []
