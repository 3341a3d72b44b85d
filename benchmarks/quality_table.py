"""The table and the chart of `quality.py`, from its finished cells."""

import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from condensers.evaluation import paired_t_test

# By learner, dataset, rows a class and method: the cells of all seeds.
Groups = Mapping[tuple[str, str, int, str], list[dict[str, Any]]]

HEADER = """\
Accuracy on the test split (2,000 rows of it, drawn once, where it is larger; where there is none, on a quarter of the
rows, drawn once and kept from the methods) in percent, with 5, 10 and 20 rows a class: mean ± standard deviation over
seeds (n), and below it the differences to random rows and to K-Center of the same seeds with the p of a paired t-test.
Embeddings: all-MiniLM-L6-v2. Learners are those of `condensers.evaluation`: a logistic regression on the
embeddings, another on TF-IDF alone, the TextRNN of PInR (Tables 6 and 7), and MiniLM fine-tuned by CondenseLM's
protocol (Table 13: 200 steps). A deviation of 0.0 over several seeds: neither method nor learner draws anything at
random. Of sets that a language model wrote, each is trained on with several seeds and counts once. `krr_rewrite_alike`
is `krr_rewrite` with rows that keep their length."""
AVERAGES = """\
Difference to K-Center, averaged over the learners (n) of which the tables below have both, and the smallest of the
differences to random rows that one of these learners makes."""
# Real rows first, then what is made.
METHODS = (
    *("random", "herding", "k_center", "greedy_k_center", "facility_location", "moderate", "el2n", "g_dig", "e2sc_is"),
    *("inducing_points", "krr_exchange", "discretization", "dilm", "few_shot", "error_extrapolation", "condenselm"),
    *("krr_rewrite_alike", "krr_rewrite"),
)
DATASETS = ("sst2", "ag_news", "tweet_irony", "financial_phrasebank")
LEARNERS = ("linear_probe", "text_rnn", "tfidf_linear", "fine_tuned")
# The chart: rows a class, how far it reaches in points, and a colour and a shape for each learner.
SHOWN, REACH = 10, (-16, 26)
MARKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"))


def grouped(cells: Iterable[dict[str, Any]]) -> Groups:
    groups: dict[tuple[str, str, int, str], list[dict[str, Any]]] = defaultdict(list)
    for cell in cells:
        groups[cell["learner"], cell["dataset"], cell["per_class"], cell["method"]].append(cell)
    return groups


def table(groups: Groups) -> str:
    lines = ["# What condensed rows are worth", "", HEADER]
    lines += [f"Measured on {platform.machine()}, two CPU cores, no accelerator.", ""]
    lines += [f"![Points above random rows, {SHOWN} rows a class](quality.svg)", ""]
    lines += ["## Over all learners", "", AVERAGES, "", *averages(groups)]
    for learner in ordered({key[0] for key in groups}, LEARNERS):
        lines += [f"## {learner}", ""]
        for dataset in ordered({key[1] for key in groups if key[0] == learner}, DATASETS):
            mine = {key[2:]: cells for key, cells in groups.items() if key[:2] == (learner, dataset)}
            lines += crossed(dataset, {key: entry(*key, mine) for key in mine})
    return "\n".join([*lines, *own_settings(groups), *costs(groups)])


def ordered(found: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """In the order of `known`, then of the alphabet."""
    places = {name: place for place, name in enumerate(known)}
    return sorted(found, key=lambda name: (places.get(name, len(known)), name))


def crossed(dataset: str, entries: Mapping[tuple[int, str], str]) -> list[str]:
    """A table of methods by rows a class."""
    sizes = sorted({size for size, _ in entries})
    lines = [f"| {dataset} | {' | '.join(map(str, sizes))} |", "|---" * (1 + len(sizes)) + "|"]
    for method in ordered({method for _, method in entries}, METHODS):
        lines.append(f"| {method} | {' | '.join(entries.get((size, method), '') for size in sizes)} |")
    return [*lines, ""]


def entry(per_class: int, method: str, groups: Mapping[tuple[int, str], list[dict]]) -> str:
    """Mean and deviation, and the differences to random rows and to K-Center."""
    cells = groups[per_class, method]
    values = list(by_set(cells, cells).values())
    written = "set" in cells[0]
    mean = sum(values) / len(values)
    sd = (sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)) ** 0.5
    unit = "" if not written else " set" if len(values) == 1 else " sets"
    text = f"{mean:.1f} ± {sd:.1f} ({len(values)}{unit})"
    for base in ("random", "k_center"):
        ours, theirs = paired(cells, groups.get((per_class, base), []))
        if method in ("random", base) or len(ours) < 2:
            continue
        test = paired_t_test(ours, theirs)
        text += f"<br>{test.difference:+.1f}{' to K-Center' if base == 'k_center' else ''}, p={test.p_value:.2g}"
    return text


def averages(groups: Groups) -> list[str]:
    """How far each method is above K-Center on average over learners, and above random rows at the least."""
    lines = []
    for dataset in ordered({key[1] for key in groups}, DATASETS):
        entries = {}
        for per_class, method in {key[2:] for key in groups if key[1] == dataset}:
            to_k_center, to_random = (
                list(differences(groups, method, base, dataset, per_class).values()) for base in ("k_center", "random")
            )
            text = f"{sum(to_k_center) / len(to_k_center):+.1f} ({len(to_k_center)})" if to_k_center else ""
            least = f"at least {min(to_random):+.1f} to random" if to_random else ""
            entries[per_class, method] = "<br>".join(part for part in (text, least) if part)
        lines += crossed(dataset, entries)
    return lines


def differences(groups: Groups, method: str, base: str, dataset: str, per_class: int) -> dict[str, float]:
    """Mean accuracy less that of `base`, in percent, by the learners of which there are both."""
    found = {}
    for learner in ordered({key[0] for key in groups}, LEARNERS):
        cells, others = (groups.get((learner, dataset, per_class, name), []) for name in (method, base))
        ours, theirs = paired(cells, others)
        if method != base and ours:
            found[learner] = sum(ours) / len(ours) - sum(theirs) / len(theirs)
    return found


def paired(cells: list[dict], others: list[dict]) -> tuple[list[float], list[float]]:
    """Accuracies of both in percent, by the sets or seeds that they share."""
    ours, theirs = by_set(cells, others), by_set(others, cells)
    shared = sorted(set(ours) & set(theirs))
    return [ours[key] for key in shared], [theirs[key] for key in shared]


def by_set(cells: list[dict], others: list[dict]) -> dict[int, float]:
    """Accuracy in percent by set, over the seeds that `others` have too; where each seed has a set, by seed.

    Learners of one set tell how learners differ, not how sets do, so a set counts once.
    """
    sets = {cell["seed"]: cell.get("set", cell["seed"]) for cell in (*cells, *others)}
    sets |= {cell["seed"]: cell["set"] for cell in (*cells, *others) if "set" in cell}
    shared = {cell["seed"] for cell in others}
    parts: dict[int, list[float]] = defaultdict(list)
    for cell in cells:
        if cell["seed"] in shared:
            parts[sets[cell["seed"]]].append(100 * cell["accuracy"])
    return {key: sum(values) / len(values) for key, values in parts.items()}


def own_settings(groups: Groups) -> list[str]:
    """How methods were told to do with less than their defaults, which take a GPU; seconds of the longest run."""
    found: dict[tuple, float] = {}
    for (_, dataset, per_class, method), cells in groups.items():
        for cell in cells:
            if "settings" in cell:
                key = dataset, per_class, method, json.dumps(cell["settings"])
                found[key] = max(found.get(key, 0), cell["condensing_seconds"])
    if not found:
        return []
    rows = [f"| {' | '.join(map(str, key))} | {seconds:,.0f} |" for key, seconds in sorted(found.items())]
    head = "| dataset | rows a class | method | settings | seconds |"
    return ["## Settings that are not the defaults", "", head, "|---" * 5 + "|", *rows, ""]


def costs(groups: Groups) -> list[str]:
    """What the language model was asked for, of the set that found least in the cache of replies."""
    most: dict[tuple, dict] = {}
    for (_, dataset, per_class, method), cells in sorted(groups.items()):
        for cell in cells:
            key = dataset, per_class, method
            if "set" in cell and cell["requests"] > most.get(key, {"requests": -1})["requests"]:
                most[key] = cell
    rows = []
    for (dataset, per_class, method), one in sorted(most.items()):
        asked = f"{one['model']}, {one['reply_format']}, temperature {one.get('temperature', 1.0):g}"
        counted = ("requests", "input_tokens", "output_tokens", "condensing_seconds")
        numbers = " | ".join(f"{one[name]:,.0f}" for name in counted)
        rows.append(f"| {dataset} | {per_class} | {method} | {one.get('words', '')} | {asked} | {numbers} |")
    if not rows:
        return []
    head = "| dataset | rows a class | method | words a row | asked | requests | tokens in | tokens out | seconds |"
    said = "Of the set that found least in the cache of replies; seconds on two cores with other work."
    return ["## What a written set costs", "", said, "", head, "|---" * 9 + "|", *rows, ""]


def chart(groups: Groups) -> Figure:
    """A panel for each dataset: how far each method's rows are above random ones, for each learner and on average.

    What reaches beyond the panel is cut off; a mean that does is told in figures.
    """
    datasets = ordered({key[1] for key in groups if key[2] == SHOWN}, DATASETS)
    learners = ordered({key[0] for key in groups}, LEARNERS)
    marks = dict(zip(learners, MARKS, strict=False))
    found = {
        (dataset, method): differences(groups, method, "random", dataset, SHOWN)
        for dataset in datasets
        for method in {key[3] for key in groups} - {"random"}
    }
    means = {key: sum(gains.values()) / len(gains) for key, gains in found.items() if gains}
    methods = sorted({method for _, method in means}, key=lambda method: _overall(means, method))
    figure = Figure(figsize=(2 + 2.6 * len(datasets), 1.4 + 0.28 * len(methods)), layout="constrained")
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    for panel, dataset in zip(panels, datasets, strict=True):
        panel.axvline(0, color="0.3", linewidth=1)
        for place, method in enumerate(methods):
            if (dataset, method) not in means:
                continue
            mean = means[dataset, method]
            inside = max(REACH[0], min(REACH[1], mean))
            panel.barh(place, inside, height=0.62, color="0.85", zorder=1)
            for learner, gain in found[dataset, method].items():
                colour, shape = marks[learner]
                if REACH[0] < gain < REACH[1]:
                    panel.plot(gain, place, shape, color=colour, markersize=4, zorder=3)
            if mean != inside:
                panel.text(REACH[0] + 1, place, f"◂ {mean:.0f}".replace("-", "−"), va="center", fontsize=8)
        panel.set_xlim(*REACH)
        panel.set_title(dataset, fontsize=10)
        panel.grid(axis="x", color="0.92", zorder=0)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
    panels[0].set_yticks(range(len(methods)), methods)
    figure.supxlabel(f"points above random rows, {SHOWN} rows a class (bar: mean of the learners)", fontsize=9)
    handles = [Line2D([], [], color=colour, marker=shape, linestyle="") for colour, shape in marks.values()]
    figure.legend(handles, list(marks), loc="outside upper center", ncols=len(marks), frameon=False, fontsize=9)
    return figure


def _overall(means: Mapping[tuple[str, str], float], method: str) -> float:
    """The mean over the datasets that were measured, which is how the chart orders methods."""
    mine = [mean for (_, name), mean in means.items() if name == method]
    return sum(mine) / len(mine)


def save_chart(groups: Groups, path: Path) -> None:
    """Writes the chart; the same cells give the same bytes."""
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "quality", "font.family": "sans-serif"}):
        chart(groups).savefig(path, metadata={"Date": None}, facecolor="white")
