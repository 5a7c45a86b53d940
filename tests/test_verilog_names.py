"""Which names may be written into Verilog; pyslang's parser is the independent witness."""

import pyslang
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.verilog_names import SYSTEMVERILOG_KEYWORDS, VERILOG_2005_KEYWORDS, check_identifier

KEYWORDS = sorted(VERILOG_2005_KEYWORDS | SYSTEMVERILOG_KEYWORDS)


def parses_as_wire(name: str) -> bool:
    """Whether a SystemVerilog parser takes `name` as the name of a wire."""
    tree = pyslang.syntax.SyntaxTree.fromText(f"module m; wire {name}; endmodule\n")
    return not any(diagnostic.isError() for diagnostic in tree.diagnostics)


@pytest.mark.parametrize("name", ["a", "_", "conv_0", "Top", "x$1", "Always", "a" * 1024])
def test_legal_names_are_returned_unchanged(name: str) -> None:
    assert check_identifier(name, "node") == name
    assert parses_as_wire(name)


@pytest.mark.parametrize("name", ["", "0a", "$x", "a b", "a-b", "a.b", "a\n", "é", "a;", "\\a ", "a[0]", "１a", "a١"])
def test_illegal_names_are_named_in_one_line(name: str) -> None:
    with pytest.raises(BadInputError, match="no Verilog identifier") as caught:
        check_identifier(name, "node")
    assert "\n" not in str(caught.value)


def test_too_long_a_name_is_not_printed_whole() -> None:
    with pytest.raises(BadInputError, match="1025 characters") as caught:
        check_identifier("a" * 1025, "port")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords_are_refused_by_us_and_by_the_parser(name: str) -> None:
    with pytest.raises(BadInputError, match="keyword"):
        check_identifier(name, "port")
    assert not parses_as_wire(name)


def test_keyword_lists_have_the_size_of_the_standards() -> None:
    assert len(VERILOG_2005_KEYWORDS) == 124  # IEEE 1364-2005, Annex B
    assert len(KEYWORDS) == 248  # IEEE 1800-2017, Annex B
    assert not VERILOG_2005_KEYWORDS & SYSTEMVERILOG_KEYWORDS


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet="ab9_$ -.\n\\é", min_size=1, max_size=6))
def test_every_accepted_name_parses(name: str) -> None:
    try:
        check_identifier(name, "node")
    except BadInputError:
        return
    assert parses_as_wire(name)
