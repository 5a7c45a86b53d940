"""Progress bars are for terminals."""

import io

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
