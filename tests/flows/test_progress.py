"""Progress bars are for terminals."""

import io
import time

import pytest
from rich.console import Console

from codesign.flows.progress import progress_bar


@pytest.mark.parametrize(
    ("terminal", "quiet", "shown"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_a_bar_with_the_time_left_is_shown_on_a_terminal_only(terminal, quiet, shown):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with progress_bar("simulate", 4, quiet=quiet, console=console) as advance:
        advance(3)
    assert ("simulate" in text.getvalue()) == ("3/4" in text.getvalue()) == ("left" in text.getvalue()) == shown
    assert shown or text.getvalue() == ""


def test_a_bar_may_stand_inside_another():
    """A step with a bar of its own runs inside the bar of the steps."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    with progress_bar("steps", 2, console=console) as step, progress_bar("events", 7, console=console) as advance:
        advance(5)
        step(1)
        give_up_s = time.monotonic() + 30
        while not ("5/7" in text.getvalue() and "1/2" in text.getvalue()):  # drawn ten times a second
            assert time.monotonic() < give_up_s, text.getvalue()
            time.sleep(0.01)
