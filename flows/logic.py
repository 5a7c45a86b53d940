"""Boolean functions of liberty files: parse once, evaluate on packed bits or on truth tables.

The syntax is that of the `function` attribute of the Liberty user guide: `!a` and `a'` negate, `^` binds
tighter than `&`, `*` or a blank (and), which bind tighter than `|` or `+` (or).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from lark import Lark, Token, Transformer, UnexpectedInput
from numpy.typing import NDArray

from codesign.errors import BadInputError

Words = NDArray[np.uint64]

_GRAMMAR = r"""
?start: either
?either: both | either ("|" | "+") both -> disjunction
?both: exclusive | both ("&" | "*")? exclusive -> conjunction
?exclusive: negated | exclusive "^" negated -> parity
?negated: primary | "!" negated -> negation
?primary: atom | primary "'" -> negation
?atom: NAME -> variable | CONSTANT -> constant | "(" either ")"
CONSTANT.2: /[01]\b/
NAME: /[A-Za-z_][A-Za-z0-9_\[\]]*/
%ignore /\s+/
"""


@dataclass(frozen=True)
class Expression:
    """A boolean function: `operator` is "variable", "constant", "not", "and", "or" or "xor"."""

    operator: str
    operands: tuple["Expression", ...] = ()
    name: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names the function depends on, sorted."""
        if self.operator == "variable":
            return (self.name,)
        return tuple(sorted({name for operand in self.operands for name in operand.variables}))


class _Builder(Transformer[Token, Expression]):
    def variable(self, children: list[Any]) -> Expression:
        return Expression("variable", name=str(children[0]))

    def constant(self, children: list[Any]) -> Expression:
        return Expression("constant", name=str(children[0]))

    def negation(self, children: list[Any]) -> Expression:
        return Expression("not", tuple(children))

    def conjunction(self, children: list[Any]) -> Expression:
        return Expression("and", tuple(children))

    def disjunction(self, children: list[Any]) -> Expression:
        return Expression("or", tuple(children))

    def parity(self, children: list[Any]) -> Expression:
        return Expression("xor", tuple(children))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Builder())


@lru_cache(maxsize=4096)
def parse_function(text: str) -> Expression:
    """Parse a liberty boolean function; `BadInputError` if it is none."""
    try:
        result = _parser().parse(text)
    except UnexpectedInput as error:
        raise BadInputError(f"{text!r} is not a liberty boolean function: check the liberty file") from error
    assert isinstance(result, Expression)
    return result


def evaluate(expression: Expression, values: Mapping[str, Words], ones: Words) -> Words:
    """Evaluate `expression` bitwise on packed 64-bit words; `ones` (all bits set) gives shape and constants."""
    if expression.operator == "variable":
        return values[expression.name]
    if expression.operator == "constant":
        return ones if expression.name == "1" else ~ones
    operands = [evaluate(operand, values, ones) for operand in expression.operands]
    if expression.operator == "not":
        return ~operands[0]
    combine = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[expression.operator]
    result: Words = combine(operands[0], operands[1])
    return result


def truth_table(expression: Expression, variables: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return the function's value for all 2^n states of `variables`; variable k is bit k of the state number."""
    states = np.arange(1 << len(variables), dtype=np.uint64)
    one = np.uint64(1)
    columns = {name: (states >> np.uint64(k)) & one for k, name in enumerate(variables)}
    # Only bit 0 of each word carries a state; negation sets the others, which the mask drops.
    return (evaluate(expression, columns, np.full_like(states, ~np.uint64(0))) & one).astype(bool)
