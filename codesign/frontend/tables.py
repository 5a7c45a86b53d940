"""Tables of functions: what the quantiser behind a sigmoid, or behind exp(-x^2), gives for every integer before it."""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from scipy.special import expit

from codesign.errors import BadInputError
from codesign.frontend.values import Builder, FunctionName, Quantiser, Reals, Value
from codesign.ops.lookup import Lookup
from codesign.rescale import NEAR_BOUNDARY, round_fraction

Functions = tuple[FunctionName, ...]
LARGEST_TABLE_BITS = 12
DIGITS = 60  # of the functions: far beyond any distance to a rounding boundary that is no tie


def _exp(x: Decimal) -> Decimal:
    return x.exp()


def _sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def _tanh(x: Decimal) -> Decimal:
    return 2 / (1 + (-2 * x).exp()) - 1


EXACT: Mapping[FunctionName, Callable[[Decimal], Decimal]] = MappingProxyType(
    {"sigmoid": _sigmoid, "tanh": _tanh, "exp": _exp, "square": lambda x: x * x, "neg": lambda x: -x}
)
FLOAT64: Mapping[FunctionName, Callable[[Reals], Reals]] = MappingProxyType(
    {"sigmoid": expit, "tanh": np.tanh, "exp": np.exp, "square": np.square, "neg": np.negative}
)


def tabulated(builder: Builder, value: Value, quantiser: Quantiser) -> str:
    """Append the table of `value.functions` and `quantiser` over all integers of the format; return its node.

    Raises `BadInputError` for a value of more than `LARGEST_TABLE_BITS`, which lacks a quantiser.
    """
    assert value.node is not None
    names = " of ".join(reversed(value.functions))
    path, fixed = quantiser.path, builder.types[value.node].fixed
    if fixed.width > LARGEST_TABLE_BITS:
        named = " and ".join(f"'{one}'" for one in value.unquantised) or f"'{value.node}'"
        raise BadInputError(
            f"'{path}': a table of {names} reads at most {LARGEST_TABLE_BITS} bits, not {fixed.width}; "
            f"name a quantiser for {named}"
        )
    if any(len(set(one)) > 1 for one in (value.scale, value.offset, quantiser.scale, quantiser.zero_point)):
        raise BadInputError(f"'{path}': a table of {names} needs one scale; quantise per tensor")
    real = [x * value.scale[0] + value.offset[0] for x in range(fixed.low, fixed.high + 1)]
    return builder.add(path, Lookup(table(value.functions, real, quantiser), fixed.signed), value.node)


def table(functions: Functions, real: list[Fraction], quantiser: Quantiser) -> tuple[int, ...]:
    """Return the integer of `quantiser` for the `functions` of every x of `real`, one after the other, exact.

    Within `NEAR_BOUNDARY` of a rounding boundary float64 decides, as the model computes.
    """
    scale, zero = quantiser.scale[0], quantiser.zero_point[0]
    levels = []
    for x in real:
        real_value = _value(functions, x)
        real_value = max(real_value, Fraction(0)) if quantiser.relu else real_value
        steps = min(max(real_value / scale + zero, Fraction(quantiser.low - 1)), Fraction(quantiser.high + 1))
        level = min(max(round_fraction(steps, quantiser.rounding), quantiser.low), quantiser.high)
        is_inside = quantiser.low - 1 < steps < quantiser.high + 1
        if is_inside and abs(2 * steps - round(2 * steps)) < NEAR_BOUNDARY * max(1.0, abs(float(steps))):
            at = np.array([float(x)])
            for function in functions:
                at = FLOAT64[function](at)
            level = int(quantiser.quantise(at[None, :])[0, 0])
        levels.append(level)
    return tuple(levels)


def _value(functions: Functions, x: Fraction) -> Fraction:
    """Return the functions of x, one after the other, to about `DIGITS` digits."""
    with localcontext() as context:
        context.prec = DIGITS
        result = Decimal(x.numerator) / Decimal(x.denominator)
        for function in functions:
            result = EXACT[function](result)
        return Fraction(result)
