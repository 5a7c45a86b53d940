"""Wall time of the parts of a command, each announced on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click


@dataclass
class Stopwatch:
    """Wall time of each part in seconds, in order; `quiet` announces none."""

    quiet: bool = False
    times_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        self._say(f"{name} ...")
        start = time.perf_counter()
        yield
        self.times_s[name] = round(time.perf_counter() - start, 2)
        self._say(f"{name}: {self.times_s[name]} s")

    def _say(self, text: str) -> None:
        if not self.quiet:
            click.echo(text, err=True)
