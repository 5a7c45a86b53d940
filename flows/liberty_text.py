"""The syntax of liberty files: text, plain or compressed, to nested groups of attributes.

Delay tables are skipped unread; Yosys, its mapper and OpenSTA read those themselves. Lines continued by a backslash,
comments, quoted and bare values, missing semicolons and `include_file` are understood.
"""

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput

from codesign.errors import BadInputError

# A whole group is one token where nothing of it is used: tables of delay and waveforms are most of a file.
_BODY = r"\s*\([^){}]*\)\s*\{(?:[^{}\"]|\"[^\"]*\"|\{(?:[^{}\"]|\"[^\"]*\"|\{(?:[^{}\"]|\"[^\"]*\")*+\})*+\})*+\}"
_GRAMMAR = rf"""
start: group
group: head "{{" (group | simple | complex | skipped | ";")* "}}" ";"?
head: NAME "(" (value ","?)* ")"
complex: head ";"?
simple: NAME (":" | "=") (STRING | RAW) ";"? | NAME ":" ";" -> empty
skipped: SKIPPED
value: STRING | WORD
SKIPPED.2: /(?:timing|test_cell|wire_load|normalized_driver_waveform|ccsn_\w+){_BODY}/
NAME: /[A-Za-z_][\w]*/
WORD: /[^\s,;(){{}}"]+/
RAW: /[^\s;{{}}"][^;{{}}"\n]*/
STRING: /"[^"]*"/
%ignore /[\s\\]+/
"""
# What mapping and timing have no use for; the mapper of Yosys stops at power tables that differ from their template.
_POWER = re.compile(rf"\b(?:internal_power|leakage_power|power_lut_template){_BODY}\s*;?")
_COMMENT = re.compile(r'("[^"]*")|/\*.*?\*/|//[^\n]*', re.DOTALL)
# A value that goes on behind the end of a line; the line stays one, so that errors name the right one.
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_INCLUDE = re.compile(r'\binclude_file\s*\(\s*"?([^")]+?)"?\s*\)\s*;?')
_DEEPEST_INCLUDE = 8
# Share of bytes that print as ASCII in a text file with some letters of another encoding in its comments.
_TEXT_SHARE = 0.9


@dataclass(frozen=True)
class Group:
    """A liberty group `kind(arguments) {...}`: the last value of each attribute and the groups inside."""

    kind: str
    arguments: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    groups: tuple["Group", ...]

    @property
    def name(self) -> str:
        """The first argument; `BadInputError` if there is none."""
        if not self.arguments:
            raise BadInputError(f"a group {self.kind}() has no name: give it one")
        return self.arguments[0]

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of attribute `name`, or `default`."""
        return (self.attributes.get(name) or (default,))[0]

    def flag(self, name: str) -> bool:
        """Return whether attribute `name` is true, in any spelling."""
        return self.text(name).strip().lower() in ("true", "1")

    def number(self, name: str, default: float = 0.0) -> float:
        """Return attribute `name` as a number; `BadInputError` if it is not one."""
        return number(self.text(name), f"{name} of {self.kind}") if self.attributes.get(name) else default

    def inside(self, *kinds: str) -> tuple["Group", ...]:
        """Return the groups of these kinds directly inside."""
        return tuple(group for group in self.groups if group.kind in kinds)


class _Builder(Transformer[Token, Any]):
    def start(self, children: list[Any]) -> Any:
        return children[0]

    def value(self, children: list[Any]) -> str:
        return str(children[0]).strip('"')

    def head(self, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        return str(children[0]), tuple(children[1:])

    def complex(self, children: list[Any]) -> Any:
        return children[0]

    def simple(self, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        return str(children[0]), (str(children[1]).strip().strip('"').strip(),)

    def empty(self, children: list[Any]) -> None:
        return None

    def skipped(self, children: list[Any]) -> None:
        return None

    def group(self, children: list[Any]) -> Group:
        (kind, arguments), *items = children
        attributes: dict[str, tuple[str, ...]] = dict(item for item in items if isinstance(item, tuple))
        return Group(kind, arguments, attributes, tuple(item for item in items if isinstance(item, Group)))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


def number(text: str, what: str) -> float:
    """Return `text` as a number; `BadInputError` naming `what` if it is none."""
    try:
        return float(text)
    except ValueError as error:
        raise BadInputError(f"{what} is {text!r} in the liberty file, not a number") from error


def read_text(path: Path) -> str:
    """Return the text of a plain or gzip-compressed liberty file, with the files that it includes in their places.

    `BadInputError` if a file is missing or damaged, or if files include one another.
    """
    return _included(path, ())


def without_power(text: str) -> str:
    """Return liberty `text` without its groups of power, for tools that only map and time."""
    return _POWER.sub("", _uncommented(text))


def _included(path: Path, outer: tuple[Path, ...]) -> str:
    if path in outer or len(outer) > _DEEPEST_INCLUDE:
        raise BadInputError(f"{path} includes itself: remove its include_file from {outer[-1]}")
    text = _decoded(path)
    if "include_file" not in text:
        return text
    # Comments go first: a file that is named in one is not included.
    return _INCLUDE.sub(
        lambda match: _included(path.parent / match.group(1).strip(), (*outer, path)), _uncommented(text)
    )


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
        # The two magic bytes decide, not the name: compressed libraries travel under both.
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} is a damaged or truncated gzip file: fetch the liberty file again") from error
    except OSError as error:
        raise BadInputError(f"cannot read the liberty file {path}: {error.strerror or error}") from error
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        printable = sum(1 for byte in plain if 32 <= byte < 127 or byte in b"\t\r\n")
        if printable < _TEXT_SHARE * len(plain):
            raise BadInputError(f"{path} is not a text file: give a liberty file (.lib or .lib.gz)") from error
        return plain.decode("latin-1")


def _uncommented(text: str) -> str:
    """Return `text` without comments, with every line in its place."""
    return _COMMENT.sub(lambda match: match.group(1) or "\n" * match.group(0).count("\n"), text)


def parse_group(text: str, source: str) -> Group:
    """Parse liberty `text`; `BadInputError` naming `source` and the line where it stops being liberty."""
    try:
        result = _parser().parse(_CONTINUED.sub(" \n", _uncommented(text)))
    except UnexpectedInput as error:
        where = f"line {error.line}" if error.line and error.line > 0 else "its end"
        raise BadInputError(
            f"{source} is not a whole liberty file: syntax error at {where}; fetch it again or correct it there"
        ) from error
    assert isinstance(result, Group)
    return result
