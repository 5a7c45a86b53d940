"""Differences between the metrics of runs, and which of them are regressions above a stated threshold."""

import fnmatch
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from codesign.errors import BadInputError
from codesign.run_metrics import Metric

# Names of metrics -> whether more of them is worse; the first pattern that fits counts. Of what fits none (limits of
# constraints, other figures of merit) a change in any direction is one for the worse.
MORE_IS_WORSE: tuple[tuple[str, bool], ...] = (
    ("codesign__constraint__value__of:*", True),
    ("codesign__latency__*", True),
    ("codesign__initiation_interval__*", True),
    ("timing__clock__period*", True),
    ("codesign__throughput*", False),
    ("codesign__register__bits__*", True),
    ("design__instance__*", True),
    ("codesign__area__*", True),
    ("codesign__fpga__*fmax*", False),
    ("codesign__fpga__*", True),
    ("power__*", True),
    ("codesign__power__*", True),
    ("codesign__timing__critical_path*", True),
    ("timing__fmax*", False),
    ("timing__setup__*", False),  # slacks: negative where timing is not met
    ("timing__hold__*", False),
    ("codesign__equality__equal__*", False),
    ("codesign__physics__*__statistic:excluded", True),
    ("codesign__physics__*__statistic:count", False),
    ("codesign__physics__*__statistic:error", True),
    ("codesign__physics__emd*", True),
    ("codesign__physics__*distance*", True),
    ("codesign__physics__rms_difference*", True),
    ("codesign__physics__auc*", False),
    ("codesign__physics__accuracy*", False),
    ("codesign__physics__*efficiency*", False),
    ("codesign__physics__*purity*", False),
)
_THRESHOLD = re.compile(r"(?P<pattern>[^=\s]+)=(?P<percent>[0-9]+(?:\.[0-9]*)?)")


@dataclass(frozen=True)
class Threshold:
    """How much worse metrics whose name fits `pattern` may get, in per cent of the first run's value."""

    pattern: str
    percent: float


@dataclass(frozen=True)
class Difference:
    """A metric of the first run and of another one; None where a run does not have it. `worse`: in which way it went.

    `limit_percent` is the threshold that it is held to, if any; `regression` says that it is worse by more than that.
    """

    name: str
    unit: str
    first: float | None
    other: float | None
    worse: bool
    limit_percent: float | None

    @property
    def percent(self) -> float | None:
        """Change in per cent of the first value; infinite from zero, None where a value is missing."""
        if self.first is None or self.other is None:
            return None
        if self.first == self.other:
            return 0.0
        return (
            100.0 * (self.other - self.first) / abs(self.first) if self.first else math.copysign(math.inf, self.other)
        )

    @property
    def regression(self) -> bool:
        """Whether it got worse by more than its threshold; a metric that is gone did."""
        if self.limit_percent is None or not self.worse:
            return False
        return self.percent is None or abs(self.percent) > self.limit_percent


def parse_thresholds(texts: Sequence[str]) -> tuple[Threshold, ...]:
    """Read "METRIC=PERCENT" texts; `BadInputError` naming the one that is wrong."""
    found = []
    for text in texts:
        match = _THRESHOLD.fullmatch(text)
        if match is None:
            raise BadInputError(f"--threshold {text!r} must be METRIC=PERCENT, for example 'power__*=5'")
        found.append(Threshold(match["pattern"], float(match["percent"])))
    return tuple(found)


def more_is_worse(name: str) -> bool | None:
    """Whether more of a metric is worse; None if that is not known, so that any change counts."""
    return next((worse for pattern, worse in MORE_IS_WORSE if fnmatch.fnmatchcase(name, pattern)), None)


def differences(
    first: Mapping[str, Metric], other: Mapping[str, Metric], thresholds: Iterable[Threshold] = ()
) -> tuple[Difference, ...]:
    """Return all metrics that differ between two runs, by name; the last threshold that fits a name counts.

    Raises `BadInputError` for a threshold that fits no metric of the runs: it would never fail.
    """
    names, given = sorted(first.keys() | other.keys()), tuple(thresholds)
    for threshold in given:
        if not fnmatch.filter(names, threshold.pattern):
            raise BadInputError(
                f"--threshold {threshold.pattern}: no such metric; metrics.csv in a run's folder has them"
            )
    found = (_difference(name, first.get(name), other.get(name), given) for name in names)
    return tuple(one for one in found if one.first != one.other)


def _difference(name: str, first: Metric | None, other: Metric | None, thresholds: Sequence[Threshold]) -> Difference:
    limits = [one.percent for one in thresholds if fnmatch.fnmatchcase(name, one.pattern)]
    units = {one.unit for one in (first, other) if one is not None}
    if len(units) > 1:
        raise BadInputError(f"{name} is in {' in one run and '.join(sorted(units))} in the other: run both again")
    before, now = (None if one is None else one.value for one in (first, other))
    return Difference(name, units.pop(), before, now, _worse(name, before, now), limits[-1] if limits else None)


def _worse(name: str, before: float | None, now: float | None) -> bool:
    if now is None or before is None:
        return now is None
    direction = more_is_worse(name)
    return before != now if direction is None else (now > before) == direction and now != before
