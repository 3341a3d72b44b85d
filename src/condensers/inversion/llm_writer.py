"""A point becomes a text that a language model writes after the rows around it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from condensers.data import Columns
from condensers.data.dedup import normalise
from condensers.embedding import EmbeddedRows, Embedder, Matrix, check_finite, iter_blocks
from condensers.errors import RowError, SettingError
from condensers.llm import (
    LLM,
    CachedLLM,
    Completion,
    Desk,
    Events,
    Message,
    Prompt,
    Question,
    StreamingLLM,
    Unusable,
)
from condensers.llm.row_reply import part_names, parts_of, row_of
from condensers.llm.text_reply import lines_of
from condensers.llm.tokens import room_for

_VALUES = frozenset({"names", "rows"})


@dataclass(frozen=True)
class LLMWritten:
    """Texts for points, how close they come, and what they were made of.

    Attributes:
        texts: One a point.
        cosine: Cosine of each text's vector to its point; shape (n,), float32.
        neighbours: Positions of the rows around each point, nearest first; shape (n, k), int64.
        is_row: Whether a text is the nearest row itself, since the model wrote nothing of use; shape (n,), bool.
        stopped: A spending limit was reached.
    """

    texts: list[str]
    cosine: np.ndarray
    neighbours: np.ndarray
    is_row: np.ndarray
    stopped: bool


@dataclass(frozen=True)
class LLMWriter:
    r"""Realises points with a language model that sees the rows around each; nothing is trained.

    Ours; PInR trains an inverter in its place (Section 4.2). The model is shown the k source rows nearest to the point
    and writes n texts like them. Of those that are no copy of a source row, nor the text of an earlier point, the one
    with the largest cosine to the point is taken:

    .. math:: \tilde x = \arg\max_{x \in \{x_1, \ldots, x_n\}} \cos(\tilde e, \psi(x))

    A small model that makes nothing of the rows, or nothing that is as near to the point as the furthest of them, is
    asked more simply: to say one of them in other words. A reply of several lines counts as several texts where rows
    are of one line. If nothing helps, or a spending limit is reached, the point gets the nearest row that no earlier
    point has, and that is counted.

    The result depends on nothing but the arguments and the replies: with a `CachedLLM` a run that is killed and
    started again asks for no reply twice.

    Example::

        writer = LLMWriter(CachedLLM(llm, keep_problems=True), embedder)
        EmbeddingCondenser(placement=KMeansCentroids(), realiser=writer)

    Attributes:
        llm: The model; one that is no `StreamingLLM` is put behind a `CachedLLM`.
        embedder: What the rows were embedded with.
        num_neighbours: Rows shown for a point, k; where there are fewer, all.
        num_candidates: Replies a point, n.
        form: ``rows`` shows the rows, ``single`` asks for one row in other words, ``auto`` does so where the rows
            led to nothing near.
        prompt: The request with rows: one that ships, a file, or a `Prompt`. It is filled in with ``rows`` (for each,
            nearest first, its texts, one a column) and, if it likes, ``names`` (what to call them in the reply; none
            for one column).
        columns: Which text columns a row is made of; None is one.
        reply_tokens: Longest reply; None is about twice the longest row shown.
        max_input_tokens: Chats that are longer are not sent; None sends all.
        draw: Which replies are taken: those of another draw to the same chats are others.
        events: Where replies are counted. Give each run its own.

    Raises:
        SettingError: if a number or `form` is none that is allowed, or the prompt has no place for the rows or wants
            to know what there is not.
        SourceNotFoundError: if there is no such prompt.
    """

    llm: LLM
    embedder: Embedder
    num_neighbours: int = 5
    num_candidates: int = 4
    form: Literal["auto", "rows", "single"] = "auto"
    prompt: str | os.PathLike[str] | Prompt = "pinr/neighbours"
    columns: Columns | None = None
    reply_tokens: int | None = None
    max_input_tokens: int | None = None
    draw: int = 0
    events: Events = field(default_factory=Events, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("num_neighbours", "num_candidates", "reply_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value}.")
        if self.form not in ("auto", "rows", "single"):
            raise SettingError(f"`form` must be 'auto', 'rows' or 'single'; got {self.form!r}.")
        wanted = self._prompt.variables
        if "rows" not in wanted or wanted - _VALUES:
            raise SettingError(
                f"a prompt of the writer is filled in with rows, and if it likes with names; {self._prompt.name!r} "
                f"asks for {', '.join(sorted(wanted)) or 'nothing'}. Change it, or pass another `prompt`."
            )

    @cached_property
    def _prompt(self) -> Prompt:
        return Prompt.load(self.prompt)

    def realise(self, points: np.ndarray, rows: EmbeddedRows) -> list[str]:
        """Writes one text a point; see `Realiser.realise`.

        Raises:
            RowError: as `write`.
            SettingError: as `write`.
            ServiceError: as `write`.
        """
        return self.write(points, rows).texts

    def realise_groups(self, groups: Sequence[tuple[np.ndarray, EmbeddedRows]]) -> list[list[str]]:
        """Writes one text a point, the points of all groups in one batch; see `GroupRealiser.realise_groups`.

        Raises:
            RowError: as `write`.
            SettingError: as `write`.
            ServiceError: as `write`.
        """
        return [written.texts for written in self.write_groups(groups)]

    def redrawn(self, draw: int) -> Self:
        """The same, with other replies; see `DrawingRealiser.redrawn`."""
        return replace(self, draw=self.draw + draw)

    def write(self, points: np.ndarray, rows: EmbeddedRows) -> LLMWritten:
        """Writes one text a point, and says how close it comes.

        Shape:
            points: (n, dim); only their direction matters.

        Raises:
            RowError: if there are no rows, or a point is zero or holds NaN.
            SettingError: if points, rows and embedder differ in dimension.
            ServiceError: if a server cannot be reached at all, or refuses.
        """
        return self.write_groups([(points, rows)])[0]

    def write_groups(self, groups: Sequence[tuple[np.ndarray, EmbeddedRows]]) -> list[LLMWritten]:
        """Writes texts for points of several classes, each from the rows of its own; see `write`.

        Args:
            groups: Points of a class, and the rows of that class.
        """
        tasks = [_Group.of(points, rows, self.num_neighbours) for points, rows in groups]
        llm = self.llm if isinstance(self.llm, StreamingLLM) else CachedLLM(self.llm, keep_problems=True)
        desk = Desk(llm, self.events, n_samples=self.num_candidates, max_input_tokens=self.max_input_tokens)
        for form in ("rows", "single"):
            if self.form not in (form, "auto") or desk.stopped:
                continue
            asked = [(task, i) for task in tasks for i in self._lacking(task)]
            if form == "single" and self.form == "auto":
                self.events.steps["put_simply"] += len(asked)
            questions = [self._ask(form, task, i, k) for task, i in asked for k in range(self.num_candidates)]
            for j, answer in enumerate(desk.ask(questions)):
                task, i = asked[j // self.num_candidates]
                task.found[i] += answer.value or []
        return [self._chosen(task, stopped=desk.stopped) for task in tasks]

    def _lacking(self, task: "_Group") -> list[int]:
        """Points without a text that is as near as the furthest of the rows around them."""
        vector_of = self._vectors(task)
        furthest = np.asarray(task.rows.vectors[task.neighbours[:, -1]], dtype=np.float64)
        bounds = (_unit(furthest) * task.targets).sum(axis=1)
        return [
            i
            for i, (target, bound, texts) in enumerate(zip(task.targets, bounds, task.found, strict=True))
            if not any(vector_of[text] @ target >= bound for text in texts)
        ]

    def plan(self, rows: Sequence[str]) -> dict[str, tuple[list[Message], int]]:
        """In each form, the chat of one reply for a point with these rows around, and the longest reply in tokens."""
        shown = {"rows": list(rows), "single": list(rows[:1])}
        return {form: (self._messages(form, shown[form]), self._room(shown[form])) for form in shown}

    def _messages(self, form: str, shown: Sequence[str]) -> list[Message]:
        prompt = self._prompt if form == "rows" else self._simple_prompt
        parts = [parts_of(text, self.columns) for text in shown]
        values = {"rows": parts, "parts": parts[0], "text": shown[0], "names": part_names(self.columns)}
        return prompt.messages(**{name: values[name] for name in prompt.variables})

    def _room(self, shown: Sequence[str]) -> int:
        return self.reply_tokens or max(map(room_for, shown))

    def _ask(self, form: str, task: "_Group", i: int, k: int) -> Question[list[str]]:
        """The question for candidate k of point i."""
        near, rows = task.neighbours[i], task.rows
        # In other words: each candidate has a row of its own, as long as there are enough.
        shown = [rows.texts[i] for i in (near if form == "rows" else near[[k % len(near)]])]
        is_one_line = not part_names(self.columns) and not any("\n" in text.strip() for text in shown)

        def read(completion: Completion) -> list[str]:
            texts = lines_of(completion.text) if is_one_line else []
            texts = texts or [row_of(completion.text, self.columns)]
            new = [text for text in texts if normalise(text) not in task.source]
            if not new:
                raise Unusable("copies_source", f"{texts[0][:80]!r} is a copy of a sample that exists")
            return new

        # A question that is asked anew takes the sample after those of its draw, so a draw has two for each.
        sample = 2 * self.num_candidates * self.draw + k
        return Question(self._messages(form, shown), sample, read, max_tokens=self._room(shown))

    @cached_property
    def _simple_prompt(self) -> Prompt:
        return Prompt.load("pinr/neighbour" if part_names(self.columns) else "asking/in_other_words")

    def _chosen(self, task: "_Group", *, stopped: bool) -> LLMWritten:
        """The closest candidate of each point that no earlier point has; if there is none, the nearest such row."""
        targets, neighbours, rows = task.targets, task.neighbours, task.rows
        vector_of = self._vectors(task)
        taken: set[str] = set()
        texts, cosine, is_row = [], [], []
        for target, candidates, near in zip(targets, task.found, neighbours, strict=True):
            free = [(text, vector_of[text]) for text in candidates if normalise(text) not in taken]
            is_row.append(not free)
            if not free:
                row = next((i for i in near if normalise(rows.texts[i]) not in taken), near[0])
                (vector,) = _unit(np.asarray(rows.vectors[np.asarray([row])], dtype=np.float64))
                free = [(rows.texts[row], vector)]
            cosines = [float(vector @ target) for _, vector in free]
            best = int(np.argmax(cosines))
            taken.add(normalise(free[best][0]))
            texts.append(free[best][0])
            cosine.append(cosines[best])
        self.events.steps["nearest_row_taken"] += sum(is_row)
        return LLMWritten(
            texts=texts,
            cosine=np.asarray(cosine, dtype=np.float32),
            neighbours=neighbours,
            is_row=np.asarray(is_row, dtype=bool),
            stopped=stopped,
        )

    def _vectors(self, task: "_Group") -> dict[str, np.ndarray]:
        """The unit vector of each candidate; each is embedded once."""
        new = list(dict.fromkeys(text for texts in task.found for text in texts if text not in task.vector_of))
        if new:
            vectors, dim = np.asarray(self.embedder.encode(new), dtype=np.float64), task.targets.shape[1]
            check_finite(vectors)
            if vectors.shape[1] != dim:
                raise SettingError(
                    f"the points have {dim} dimensions, vectors of the embedder {self.embedder.name!r} "
                    f"{vectors.shape[1]}. Pass the embedder that the rows were embedded with."
                )
            task.vector_of.update(zip(new, _unit(vectors), strict=True))
        return task.vector_of


@dataclass(frozen=True)
class _Group:
    """Points of a class, the rows around each, and what was written for them so far."""

    targets: np.ndarray
    neighbours: np.ndarray
    rows: EmbeddedRows
    source: set[str]
    found: list[list[str]]
    vector_of: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, points: np.ndarray, rows: EmbeddedRows, num_neighbours: int) -> Self:
        targets = _checked(points, rows)
        neighbours = _nearest(targets, rows.vectors, min(num_neighbours, len(rows)))
        return cls(targets, neighbours, rows, {normalise(text) for text in rows.texts}, [[] for _ in targets])


def _checked(points: np.ndarray, rows: EmbeddedRows) -> np.ndarray:
    """The points as unit vectors."""
    if not len(rows):
        raise RowError("there are no rows to show the language model; pass those of the points' class.")
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != rows.vectors.shape[1]:
        raise SettingError(
            f"points must have the shape (n, {rows.vectors.shape[1]}), the dimension of the rows' vectors; got "
            f"{x.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1) | ~x.any(axis=1))
    if len(bad):
        raise RowError(
            f"point {bad[0]} is zero or holds NaN or infinity ({len(bad)} of {len(x)} do), so no row is near it. "
            f"Check the placement."
        )
    return _unit(x)


def _nearest(targets: np.ndarray, x: Matrix, k: int) -> np.ndarray:
    """The k rows of largest cosine, the first among equals.

    Shape:
        targets: (n, dim); x: (n_rows, dim); returns: (n, k), int64.
    """
    best = np.empty((len(targets), 0))
    positions = np.empty((len(targets), 0), dtype=np.int64)
    for where, block in iter_blocks(x):
        here = np.broadcast_to(np.arange(where.start, where.stop), (len(targets), len(block)))
        scores = np.concatenate([best, targets @ _unit(block.astype(np.float64)).T], axis=1)
        positions = np.concatenate([positions, here], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best, positions = np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)
    return positions


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float64).tiny)
