"""Fixtures that every test may use: the optional data folder, the build cache, the golden refresh flag."""

import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="rewrite tests/golden/ from what the code emits now")


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore interrupts; the tests of interrupts need them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session")
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--refresh-golden"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of detector data and third-party models beside the checkout; it is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no ../shared/data beside the checkout: detector data and third-party models are not distributed")
    return SHARED_DATA


@pytest.fixture(scope="session")
def build_cache() -> Path:
    """A folder that survives between runs, for Verilator and Yosys builds; entries are keyed by their inputs' hash."""
    cache = ROOT / "build" / "test-cache"
    cache.mkdir(parents=True, exist_ok=True)
    return cache
