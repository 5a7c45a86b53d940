import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import BadInputError
from codesign.flows.logic import Expression, evaluate, parse_function, truth_table

NAMES = ("A", "B1", "C")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("!(A & B1)", lambda a, b, c: not (a and b)),
        ("A' B1 + C", lambda a, b, c: (not a and b) or c),
        ("A | B1 & C", lambda a, b, c: a or (b and c)),
        ("A ^ B1 * C", lambda a, b, c: (a != b) and c),
        ("(A+B1)' C'", lambda a, b, c: not (a or b) and not c),
        ("!!A & (1 | B1) | 0", lambda a, b, c: a),
        ("(!A&B1&C)|(A^C)", lambda a, b, c: (not a and b and c) or a != c),
    ],
)
def test_function_has_the_meaning_of_the_liberty_operators(text, meaning):
    table = truth_table(parse_function(text), NAMES)
    states = [tuple(reversed(bits)) for bits in itertools.product((False, True), repeat=3)]
    assert table.tolist() == [bool(meaning(*state)) for state in states]


@pytest.mark.parametrize("text", ["A &", "A B)", "", "A => B", "A ? B : C"])
def test_text_that_is_no_function_is_named(text):
    with pytest.raises(BadInputError, match="not a liberty boolean function"):
        parse_function(text)


expressions = st.recursive(
    st.sampled_from([Expression("variable", name=name) for name in NAMES] + [Expression("constant", name="1")]),
    lambda inner: (
        st.builds(lambda op, a, b: Expression(op, (a, b)), st.sampled_from(["and", "or", "xor"]), inner, inner)
        | st.builds(lambda a: Expression("not", (a,)), inner)
    ),
    max_leaves=8,
)


def _text(expression):
    if not expression.operands:
        return expression.name
    if expression.operator == "not":
        return f"!({_text(expression.operands[0])})"
    left, right = map(_text, expression.operands)
    return f"({left} {dict(zip(('and', 'or', 'xor'), '&|^', strict=True))[expression.operator]} {right})"


@settings(derandomize=True, deadline=None, max_examples=60)
@given(expressions)
def test_written_function_reads_back_and_packed_words_agree_with_the_table(expression):
    parsed = parse_function(_text(expression))
    assert parsed == expression
    table = truth_table(expression, NAMES)
    words = {name: np.array([sum(((s >> k) & 1) << s for s in range(8))], np.uint64) for k, name in enumerate(NAMES)}
    packed = evaluate(expression, words, np.array([~np.uint64(0)]))
    assert [bool(int(packed[0]) >> s & 1) for s in range(8)] == table.tolist()
