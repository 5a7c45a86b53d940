"""The commands of the README exist, with the options they show."""

import re
import shlex
from pathlib import Path

import click
import pytest

from codesign.cli import codesign

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
LINES = [line.partition("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("codesign ")]
FILE = re.compile(r"\.(safetensors|onnx|npz|csv|lib\.gz)$")
TARGETS = [line.split()[1] for line in LINES if line.startswith("make ")]


def parse(command: click.Command, arguments: list[str]) -> None:
    """Parse without running; an unknown command or option raises."""
    if isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        if found is None:
            raise click.UsageError(f"no command {arguments[0]}")
        parse(found, arguments[1:])
    else:
        existing = [str(ROOT / "README.md") if FILE.search(argument) else argument for argument in arguments]
        command.make_context(command.name, existing)


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 8
    assert TARGETS == ["demo", "test"]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_shown_command_parses(line: str) -> None:
    parse(codesign, shlex.split(line)[1:])


@pytest.mark.parametrize("line", ["codesign frobnicate", "codesign run econt --frobnicate"])
def test_a_command_that_does_not_exist_is_caught(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(codesign, shlex.split(line)[1:])


@pytest.mark.parametrize("target", TARGETS)
def test_a_shown_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()
