"""A bar with the remaining time on long work: on a terminal only, never in a log, and not if the user wants quiet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int], None]


@contextmanager
def progress_bar(name: str, total: int, *, quiet: bool = False, console: Console | None = None) -> Iterator[Advance]:
    """Show a bar on stderr while the context lasts; the function handed out says how much more is done."""
    shown = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=shown, disable=quiet or not shown.is_terminal, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.advance(task, count)
