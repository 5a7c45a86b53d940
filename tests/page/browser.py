"""Open a page in headless Chromium and say what is wrong with it: the checks that the report page must pass."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS_PX = (1280, 390)
HEIGHT_PX = 900
SIZES = """() => ({
    room: document.documentElement.clientWidth,
    needed: document.documentElement.scrollWidth,
})"""
LINKS = (
    "() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href') ?? a.getAttribute('xlink:href') ?? '')"
)
IDS = "() => [...document.querySelectorAll('[id]')].map(e => e.id)"
# A figure shows something if what it draws covers a good part of its box.
FIGURES = """() => [...document.querySelectorAll('figure')].map(figure => {
    const drawn = figure.querySelector('svg'), marks = drawn ? drawn.querySelectorAll('path, use, text').length : 0;
    const box = drawn ? drawn.getBoundingClientRect() : {width: 0, height: 0};
    const label = figure.querySelector('[aria-label]');
    return {name: figure.className, marks, width: box.width, height: box.height,
            alt: label ? label.getAttribute('aria-label') : '', caption: figure.querySelector('figcaption') !== null};
})"""
TABLES = """() => [...document.querySelectorAll('table')].map(table => ({
    caption: table.caption ? table.caption.textContent : '',
    heads: table.querySelectorAll('thead th[scope=col]').length,
    rows: table.querySelectorAll('tbody tr').length,
    named: table.querySelectorAll('tbody th[scope=row]').length,
}))"""


def find_chromium() -> str | None:
    """Path of an installed Chromium, or of the one that `playwright install chromium` brought; None without one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.is_file() else None


@contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        yield browser
        browser.close()


def problems(browser: Browser, path: Path, screenshot: Path | None = None) -> list[str]:
    """Return what is wrong with the page at `path`, at every width; keep a picture `<screenshot>-<width>.png`."""
    found: list[str] = []
    for width_px in WIDTHS_PX:
        page = browser.new_page(viewport={"width": width_px, "height": HEIGHT_PX})
        heard: list[str] = []
        page.on("console", lambda message, heard=heard: heard.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error, heard=heard: heard.append(f"script error: {error}"))
        page.on("request", lambda request, heard=heard: heard.extend(_strange(request.url, path)))
        page.goto(path.resolve().as_uri(), wait_until="load")
        found += [f"{width_px} px: {problem}" for problem in (*heard, *_overflow(page))]
        if width_px == WIDTHS_PX[0]:
            found += [*_links(page, path), *_figures(page), *_tables(page)]
        if screenshot is not None:
            screenshot.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{screenshot}-{width_px}.png", full_page=True)
        page.close()
    return found


def _strange(url: str, path: Path) -> list[str]:
    own = url.startswith("data:") or url == path.resolve().as_uri()
    return [] if own else [f"request: {url}"]


def _overflow(page: Page) -> list[str]:
    size = page.evaluate(SIZES)
    return [f"needs {size['needed']} of {size['room']} px"] if size["needed"] > size["room"] else []


def _links(page: Page, path: Path) -> list[str]:
    ids, targets = Counter(page.evaluate(IDS)), page.evaluate(LINKS)
    broken = [target for target in targets if not _resolves(target, path, set(ids))]
    repeated = sorted(name for name, count in ids.items() if count > 1)
    few = [] if len(targets) > 3 else [f"only {len(targets)} links"]
    return [f"broken link: {target!r}" for target in broken] + [f"id {name!r} comes twice" for name in repeated] + few


def _resolves(target: str, path: Path, ids: set[str]) -> bool:
    if target.startswith("#"):
        return unquote(target[1:]) in ids
    return bool(target) and ":" not in target and (path.parent / unquote(target)).is_file()


def _figures(page: Page) -> list[str]:
    found = []
    for figure in page.evaluate(FIGURES):
        if figure["marks"] < 5 or figure["width"] < 100 or figure["height"] < 50:
            found.append(f"figure {figure['name']} is empty")
        if len(figure["alt"]) < 20 or not figure["caption"]:
            found.append(f"figure {figure['name']} has no words")
    return found


def _tables(page: Page) -> list[str]:
    return [
        f"table {table['caption']!r} has no headers"
        for table in page.evaluate(TABLES)
        if not (table["caption"] and table["heads"] and table["rows"] == table["named"] > 0)
    ]
