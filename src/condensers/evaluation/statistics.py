"""Is a difference more than luck?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.errors import SettingError

# Accuracies are sums of 1 / n_test; what differs by less than this is the same.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class TTest:
    """Outcome of a paired t-test.

    Attributes:
        difference: Mean of the first less mean of the second.
        p_value: Two-sided; NaN for fewer than two pairs.
        n: Number of pairs.
    """

    difference: float
    p_value: float
    n: int


def paired_t_test(a: Sequence[float], b: Sequence[float]) -> TTest:
    """Compares two methods whose runs share seeds.

    When all differences are equal, rounding aside, the statistic has no spread to divide by: p is 1 if they are zero,
    else 0.

    Raises:
        SettingError: if the lengths differ or are zero.
    """
    if len(a) != len(b) or len(a) == 0:
        raise SettingError(f"a paired test needs values of the same number on both sides; got {len(a)} and {len(b)}.")
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    mean = float(differences.mean())
    if len(differences) < 2:
        return TTest(mean, float("nan"), 1)
    if np.ptp(differences) <= _ROUNDING:
        return TTest(mean, 1.0 if abs(mean) <= _ROUNDING else 0.0, len(differences))
    from scipy.stats import ttest_rel

    return TTest(mean, float(ttest_rel(a, b).pvalue), len(differences))


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a mean by Student's t; NaN ends for fewer than two values.

    Raises:
        SettingError: if there are no values, or `level` is not within (0, 1).
    """
    if len(values) == 0 or not 0 < level < 1:
        raise SettingError(f"an interval needs values, and a level within (0, 1); got {len(values)} and {level}.")
    if len(values) < 2:
        return float("nan"), float("nan")
    from scipy.stats import t

    x = np.asarray(values, dtype=np.float64)
    half = t.ppf(0.5 + level / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean() - half), float(x.mean() + half)
