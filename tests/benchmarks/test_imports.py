"""Every benchmark can be loaded; the peers' own parts run in an environment that has the peers."""

import importlib
import pkgutil

import pytest

import benchmarks

OF_THE_PEERS = ("peers", "peer_hls4ml")
NAMES = [found.name for found in pkgutil.iter_modules(benchmarks.__path__) if found.name not in OF_THE_PEERS]


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_can_be_loaded(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
