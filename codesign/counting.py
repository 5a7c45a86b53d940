"""Intervals of counted events: what the probability behind k of n can be, and what counts an expected number gives."""

from scipy.stats import beta, poisson

from codesign.errors import BadInputError


def clopper_pearson(failures: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return the interval that holds the probability behind `failures` of `trials` with at least `confidence`.

    Exact, of equal tails: Clopper and Pearson, Biometrika 26 (1934) 404. At no failure the lower end is zero and the
    upper one uses one tail of (1 - confidence) / 2, as everywhere else. Raises `BadInputError` for impossible counts.
    """
    if not 0 <= failures <= trials or trials < 1:
        raise BadInputError(f"{failures} failures of {trials} trials are impossible: count 0..trials, of at least one")
    tail = (1.0 - _checked(confidence)) / 2.0
    low = float(beta.ppf(tail, failures, trials - failures + 1)) if failures else 0.0
    high = float(beta.ppf(1.0 - tail, failures + 1, trials - failures)) if failures < trials else 1.0
    return low, high


def poisson_counts(low: float, high: float, confidence: float) -> tuple[int, int]:
    """Return the counts k..l that are seen with at least `confidence` (Poisson) when low..high are expected."""
    tail = (1.0 - _checked(confidence)) / 2.0
    return int(max(poisson.ppf(tail, low), 0)), int(poisson.ppf(1.0 - tail, high))


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise BadInputError(f"a confidence must lie between 0 and 1, not {confidence}")
    return confidence
