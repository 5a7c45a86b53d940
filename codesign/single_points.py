"""What remains a single point of failure in each mode of triplication: one upset or transient there can do harm."""

from collections.abc import Mapping

from codesign.errors import BadInputError

_INPUTS = "data and configuration inputs, which come once"
_TREES = "clock and reset, which come once and reach all copies"
_OUTPUTS = "the voters of the outputs and of tmr_err"
_LOGIC = "logic between registers: all copies load what a transient leaves at the clock edge"

SINGLE_POINTS: Mapping[str, tuple[str, ...]] = {
    "none": ("every register and memory bit", _LOGIC, _TREES, _INPUTS),
    "registers": ("the voter of every register, whose result all copies load and logic reads", _LOGIC, _TREES, _INPUTS),
    "triplicated_voters": (
        "the first voter of every register, where logic reads it (the state that is held has three voters)",
        _LOGIC,
        _TREES,
        _INPUTS,
    ),
    "full": (_OUTPUTS, _TREES, _INPUTS),
    "full_clocks": (_OUTPUTS, _INPUTS),
    "selective": (
        "every register bit that the ranking leaves out",
        "the voter of every register that is triplicated",
        _LOGIC,
        _TREES,
        _INPUTS,
    ),
}


def single_points(mode: str) -> tuple[str, ...]:
    """Return what is not protected in `mode` (for "selective:<file>" what stands before the colon)."""
    name = mode.partition(":")[0]
    if name not in SINGLE_POINTS:
        raise BadInputError(f"no triplication mode {name!r}: choose one of {', '.join(SINGLE_POINTS)}")
    return SINGLE_POINTS[name]
