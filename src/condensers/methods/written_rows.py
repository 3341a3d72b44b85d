"""Points of all classes become texts: realised, polished, checked, drawn anew where they may not stay."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from condensers.data import Columns, Rows, cache_folder, progress_bar, write_json
from condensers.data.dedup import normalise
from condensers.embedding import EmbeddedRows, Embedder, iter_blocks
from condensers.inversion import DrawingRealiser, GroupRealiser, Realiser, SlowRealiser
from condensers.llm import Events
from condensers.methods.components import bound
from condensers.methods.condensed import cosines
from condensers.methods.learned import kept_folder
from condensers.refinement import Refiner, coherence_check

_logger = logging.getLogger(__name__)

# How often the pipeline is gone through for a point whose text may not stay; each time the refiner draws once more.
_N_DRAWS = 2
# Batches of a slow realiser whose texts are kept together.
_BATCHES = 2
_FILE = "texts.json"


@dataclass(frozen=True)
class ClassPoints:
    """Points of one class.

    Attributes:
        code: The class.
        label: Its name; None without labels.
        rows: Source rows of it.
        points: Where its texts should sit; shape (n, dim), float32.
    """

    code: int
    label: str | None
    rows: EmbeddedRows
    points: np.ndarray


@dataclass(frozen=True)
class WrittenRows:
    """Texts of all points, class after class, and how they came about.

    Attributes:
        texts: One a point; None where a spending limit came first.
        from_source: Whether a text is the nearest free source row, since none that was written may stay; shape (n,).
        history: Cosine of each text to its point as it was realised, and after each round of refinement; shape
            (n_rounds + 1, n), float32, NaN for source rows and for texts that are missing.
        stopped: A spending limit was reached.
    """

    texts: list[str | None]
    from_source: np.ndarray
    history: np.ndarray
    stopped: bool


@dataclass(frozen=True)
class NewTextCheck:
    """A check of a refiner that takes copies of source rows for faults too, so that it writes something else.

    Attributes:
        check: The check of coherence.
        source: Normalised texts of the source.
    """

    check: Callable[[str, Columns | None], str | None]
    source: frozenset[str] = field(repr=False)

    def __call__(self, text: str, columns: Columns | None = None) -> str | None:
        """Names the fault of a text; None if it has none."""
        return self.check(text, columns) or ("copies_source" if normalise(text) in self.source else None)


class RowWriting:
    """Writes the rows of one run.

    A text may not stay if it lacks a part or a separator, repeats a source row, or repeats a text before it. Its point
    goes through the pipeline once more, with other random choices; if that does not help, it gets the nearest source
    row that is free, so that the budget is met. All of it is counted.

    Args:
        rows: The source rows.
        realiser: Turns points into texts.
        polisher: Refines them; None leaves them as they are.
        embedder: What the rows were embedded with.
        events: Where it is counted.
        is_stopped: Whether a spending limit was reached.
    """

    def __init__(
        self,
        rows: Rows,
        realiser: Realiser,
        polisher: Refiner | None,
        embedder: Embedder,
        events: Events,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.columns = rows.columns
        self.embedder = embedder
        self.events = events
        self.is_stopped = is_stopped
        self._source = frozenset(normalise(text) for text in rows.texts)
        self.realiser = realiser
        check = NewTextCheck(getattr(polisher, "check", coherence_check), self._source)
        self.polisher = polisher and bound(polisher, check=check)

    def write(self, classes: Sequence[ClassPoints]) -> WrittenRows:
        """Writes one text a point; the points of all classes go through each stage together."""
        points = np.concatenate([each.points for each in classes])
        owners = np.repeat(np.arange(len(classes)), [len(each.points) for each in classes])
        texts: list[str | None] = [None] * len(points)
        histories: list[np.ndarray | None] = [None] * len(points)
        taken: set[str] = set()
        open_points = np.arange(len(points))
        for draw in range(0, 2 * _N_DRAWS, 2):
            if draw and (self.is_stopped() or not isinstance(self.realiser, DrawingRealiser)):
                break
            if draw:
                self.events.steps["drawn_anew"] += len(open_points)
            written, history = self._draw(classes, points, owners, open_points, draw)
            left = []
            for j, i in enumerate(open_points.tolist()):
                fault = self._fault(written[j], taken)
                if fault is None:
                    taken.add(normalise(written[j]))
                    texts[i], histories[i] = written[j], history[:, j]
                    continue
                self.events.steps[f"wrote_{fault}"] += 1
                left.append(i)
            if draw:
                self.events.steps["drawn_anew_helped"] += len(open_points) - len(left)
            open_points = np.asarray(left, dtype=np.int64)
            if not len(left):
                break
        stopped = self.is_stopped()
        from_source = np.zeros(len(points), dtype=bool)
        if len(open_points) and not stopped:
            from_source[open_points] = True
            self._fill_in(classes, points, owners, open_points, texts, taken)
        return WrittenRows(texts, from_source, _stacked(histories), stopped)

    def _draw(
        self, classes: Sequence[ClassPoints], points: np.ndarray, owners: np.ndarray, wanted: np.ndarray, draw: int
    ) -> tuple[list[str], np.ndarray]:
        """Texts for some points, and their cosines: shape (n_rounds + 1, n_wanted)."""
        texts = self._realised(classes, points, owners, wanted, draw)
        if self.polisher is None:
            return texts, self._cosines(texts, points[wanted])[None]
        redraw = None
        if isinstance(self.realiser, DrawingRealiser):

            def redraw(left: np.ndarray) -> list[str]:
                return self._realised(classes, points, owners, wanted[left], draw + 1)

        labels = [classes[owner].label for owner in owners[wanted]]
        named = None if any(label is None for label in labels) else [str(label) for label in labels]
        refined = self.polisher.refine(points[wanted], texts, named, redraw=redraw, events=self.events)
        return refined.texts, refined.history

    def _realised(
        self, classes: Sequence[ClassPoints], points: np.ndarray, owners: np.ndarray, wanted: np.ndarray, draw: int
    ) -> list[str]:
        realiser = self.realiser
        if draw and isinstance(realiser, DrawingRealiser) and not isinstance(realiser, SlowRealiser):
            realiser = realiser.redrawn(draw)
        if isinstance(realiser, SlowRealiser):
            return kept_texts(realiser, points[wanted], draw)
        # In the order of the classes, which is the order of the points.
        groups = [(points[wanted[owners[wanted] == k]], each.rows) for k, each in enumerate(classes)]
        groups = [group for group in groups if len(group[0])]
        if isinstance(realiser, GroupRealiser):
            found = realiser.realise_groups(groups)
        else:
            found = [realiser.realise(few, rows) for few, rows in groups]
        return [text for texts in found for text in texts]

    def _cosines(self, texts: Sequence[str], points: np.ndarray) -> np.ndarray:
        found = np.full(len(texts), -1.0, dtype=np.float32)
        said = [i for i, text in enumerate(texts) if text.strip()]
        if said:
            found[said] = cosines(self.embedder.encode([texts[i] for i in said]), points[said])
        return found

    def _fault(self, text: str, taken: set[str]) -> str | None:
        fault = coherence_check(text, self.columns)
        if fault in ("empty", "separator"):
            return fault
        text = normalise(text)
        return "copies_source" if text in self._source else "repeats" if text in taken else None

    def _fill_in(
        self,
        classes: Sequence[ClassPoints],
        points: np.ndarray,
        owners: np.ndarray,
        wanted: np.ndarray,
        texts: list[str | None],
        taken: set[str],
    ) -> None:
        """Gives points the nearest source row of their class that no other point has."""
        for i in wanted.tolist():
            rows = classes[owners[i]].rows
            closeness = np.concatenate([block @ points[i] for _, block in iter_blocks(rows.vectors)])
            free = (k for k in np.argsort(-closeness, kind="stable").tolist() if normalise(rows.texts[k]) not in taken)
            # A class has at least as many different rows as points, unless another has the same ones.
            k = next(free, int(np.argmax(closeness)))
            texts[i] = rows.texts[k]
            taken.add(normalise(rows.texts[k]))
        self.events.steps["source_row_taken"] += len(wanted)
        _logger.warning(
            "%d of %d points got their nearest source row: nothing that was written for them could stay (%s).",
            len(wanted),
            len(points),
            ", ".join(f"{name} {n}" for name, n in sorted(self.events.steps.items()) if name.startswith("wrote_")),
        )


def kept_texts(realiser: SlowRealiser, points: np.ndarray, draw: int) -> list[str]:
    """Texts of a slow realiser, a few batches at a time, each kept on disk as it is done: a killed run goes on there.

    Shape:
        points: (n, dim).
    """
    size = _BATCHES * realiser.batch_size
    texts: list[str] = []
    with progress_bar(total=len(points), desc="Writing", unit="text") as bar:
        for number, start in enumerate(range(0, len(points), size)):
            few = np.ascontiguousarray(points[start : start + size], dtype=np.float32)
            facts = json.dumps([realiser.fingerprint, draw, number, list(few.shape)]).encode()
            folder = kept_folder(hashlib.sha256(facts + few.tobytes()).hexdigest()[:32])
            if not folder.is_dir():
                drawn = realiser.redrawn(draw * 2**20 + number)
                none = EmbeddedRows([], few[:0])
                with cache_folder(folder) as scratch:
                    write_json(scratch / _FILE, drawn.realise(few, none))
            texts += json.loads((folder / _FILE).read_text(encoding="utf-8"))
            bar.update(len(few))
    return texts


def _stacked(histories: Sequence[np.ndarray | None]) -> np.ndarray:
    """Histories side by side; one that is missing, or has fewer rounds, is filled up."""
    n_stages = max((len(history) for history in histories if history is not None), default=1)
    out = np.full((n_stages, len(histories)), np.nan, dtype=np.float32)
    for i, history in enumerate(histories):
        if history is not None:
            out[: len(history), i] = history
            out[len(history) :, i] = history[-1]
    return out
