"""The numbers behind the bar and dot charts, in the units in which they are drawn.

Across, positions are per cent of the chart's width, so a chart fits a phone and a desk without its text being scaled;
downwards they are pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from condensers.data import Rows
from condensers.report.formatting import count, percent
from condensers.report.result import LabelledResult

N_BINS = 32
HISTOGRAM_HEIGHT = 132
_HEADROOM = 18


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram; `x` and `width` in per cent, `y` and `height` in pixels."""

    x: float
    width: float
    y: float
    height: float
    text: str


@dataclass(frozen=True)
class Histogram:
    """Distances of source rows to their nearest condensed row.

    Attributes:
        label: The method.
        bars: One a bin.
        median: Where the median lies, per cent, with its value.
        within: Distance that 95 of 100 rows do not exceed.
        x_ticks: Along the bottom.
        y_ticks: Shares of the rows, in pixels from the top.
        n_left_out: Source rows whose class has no condensed row.
    """

    label: str
    bars: list[Bar]
    median: Tick
    within: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    n_left_out: int


def draw_histograms(labels: Sequence[str], distances: Sequence[np.ndarray]) -> list[Histogram]:
    """Bins the distances of each method alike, so that the charts can be compared.

    Shape:
        distances: for each method (n_source_rows,), NaN where the class has no condensed row.
    """
    known = [values[np.isfinite(values)] for values in distances]
    top = max((float(values.max()) for values in known if len(values)), default=0.0)
    # The axis ends at a rounder number than the data, yet close to it; labels stand at rounder ones still.
    end = axis(0.0, max(top, 1e-3), n=12)[-1]
    x_axis = [value for value in axis(0.0, end) if value <= end]
    edges = np.linspace(0.0, end, N_BINS + 1)
    counts = [np.histogram(np.clip(values, 0.0, edges[-1]), edges)[0] for values in known]
    peak = max((float(c.max()) / len(v) for c, v in zip(counts, known, strict=True) if len(v)), default=1.0)
    return [
        _histogram(label, values, bins, edges, x_axis, peak, len(all_values) - len(values))
        for label, all_values, values, bins in zip(labels, distances, known, counts, strict=True)
    ]


def _histogram(
    label: str,
    values: np.ndarray,
    bins: np.ndarray,
    edges: np.ndarray,
    x_axis: Sequence[float],
    peak: float,
    n_left_out: int,
) -> Histogram:
    def down(share: float) -> float:
        return round(HISTOGRAM_HEIGHT - share / peak * (HISTOGRAM_HEIGHT - _HEADROOM), 2)

    width = 100 / N_BINS
    bars = []
    for i, n in enumerate(bins.tolist()):
        share = n / len(values) if len(values) else 0.0
        text = f"distance {edges[i]:.3f} to {edges[i + 1]:.3f}: {count(n, 'row')}, {percent(share)}"
        bars.append(Bar(round(i * width, 3), round(width, 3), down(share), HISTOGRAM_HEIGHT - down(share), text))
    median = float(np.median(values)) if len(values) else 0.0
    return Histogram(
        label=label,
        bars=[bar for bar in bars if bar.height > 0],
        median=Tick(round(median / edges[-1] * 100, 2), f"{median:.3f}"),
        within=float(np.quantile(values, 0.95)) if len(values) else 0.0,
        x_ticks=[Tick(round(value / edges[-1] * 100, 2), f"{value:g}") for value in x_axis],
        y_ticks=[Tick(down(value), f"{value * 100:g}%") for value in axis(0.0, peak, n=3)[1:] if value <= peak],
        n_left_out=n_left_out,
    )


@dataclass(frozen=True)
class Balance:
    """Shares of one class.

    Attributes:
        code: The class.
        n_source: Source rows of it.
        n_condensed: Condensed rows of it.
        source: Their share of the source, in [0, 1].
        condensed: Their share of the condensed rows, in [0, 1].
        source_width: Length of the bar, per cent; the longest bar of the chart is 100.
        condensed_width: Likewise.
    """

    code: int
    n_source: int
    n_condensed: int
    source: float
    condensed: float
    source_width: float
    condensed_width: float


def draw_balance(source: Rows, entry: LabelledResult, *, sort: bool) -> list[Balance]:
    """Compares the class shares of the source and of one method's rows, in class order or the largest class first."""
    sizes = source.class_counts
    kept = {code: int(np.sum(entry.codes == code)) for code in sizes}
    longest = max(*(n / len(source) for n in sizes.values()), *(n / len(entry.codes) for n in kept.values()))
    order = sorted(sizes, key=lambda code: -sizes[code]) if sort else list(sizes)
    return [
        Balance(
            code=code,
            n_source=sizes[code],
            n_condensed=kept[code],
            source=sizes[code] / len(source),
            condensed=kept[code] / len(entry.codes),
            source_width=round(sizes[code] / len(source) / longest * 100, 2),
            condensed_width=round(kept[code] / len(entry.codes) / longest * 100, 2),
        )
        for code in order
    ]


def axis(low: float, high: float, n: int = 5) -> list[float]:
    """Round numbers, about `n` steps apart, of which the first is at most `low` and the last at least `high`."""
    rough = max(high - low, 1e-6) / n
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]
