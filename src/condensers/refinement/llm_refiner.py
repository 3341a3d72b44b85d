"""Texts made coherent by a language model, and held near their points."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from condensers.data import Columns
from condensers.embedding import Embedder, check_finite
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
from condensers.llm.tokens import room_for
from condensers.refinement.coherence import coherence_check
from condensers.refinement.protocol import Redraw, Refined

_FOR_PAIRS = ("pinr/gsm8k", "pinr/quora")
_VALUES = ("label", "names", "parts", "text")
_COMPLAINTS = {
    "empty": "it holds no text",
    "separator": "its parts are not told apart as asked",
    "repetition": "it says the same over and over",
    "copies_source": "it is a copy of a sample that exists",
}


@dataclass(frozen=True)
class _Text:
    """A text, its cosine to the point it stands for, and what is wrong with it."""

    text: str
    cosine: float
    fault: str | None


class _Course:
    """How the text of one point fares: S_t of Algorithm 1, best first, and what was best after each round."""

    def __init__(self, position: int, start: _Text) -> None:
        self.position = position
        self.seeds = [start]
        self.history = [start]

    @property
    def best(self) -> _Text:
        return self.seeds[0]

    @property
    def asked(self) -> list[_Text]:
        """The texts to ask variants of; one without a letter says nothing that could be mended."""
        return [seed for seed in self.seeds if any(map(str.isalnum, seed.text))]

    def take(self, variants: Sequence[_Text], num_seeds: int) -> None:
        """Ends a round: the closest of what is coherent go on; if nothing is, the text that there was does."""
        pool: dict[str, _Text] = {}
        for one in (*self.seeds, *variants):
            if one.fault is None:
                pool.setdefault(one.text, one)
        # The sort is stable: of equally close texts the oldest goes first, so nothing is replaced without a gain.
        self.seeds = sorted(pool.values(), key=lambda one: -one.cosine)[:num_seeds] or self.seeds
        self.history.append(self.best)


@dataclass(frozen=True)
class LLMRefiner:
    r"""Refines texts with a language model (PInR, Section 4.2 and Algorithm 1, lines 6 to 16).

    .. math:: \tilde x = \arg\max_{x \in \mathcal{C}} \cos(\tilde e, \psi(x))

    In each round the model writes L variants of each of the K texts kept for a point. Variants that are not coherent
    are repaired once, generated anew once, and let go. Of the others, and of the texts that they were made of as far
    as those are coherent, the K whose vectors have the largest cosine to the point are kept; after the last round,
    the closest.

    Algorithm 1 counts t from 0 to T and so asks T + 1 times, where the formula of Section 4.2 has T steps;
    `num_rounds` is how often variants are asked for. The paper does not say what T was. Two rounds are the fewest for
    which its K means anything. It lets a variant replace its text even if it is further away; here a coherent
    text stays until a closer one comes.

    All texts go through a round together, as one batch. The result depends on nothing but the arguments and the
    replies: with a `CachedLLM` a run that is killed and started again asks for no reply twice, and ends with the same
    texts. Replies that the model spoiled (cut off, empty) are remembered too if it is made with `keep_problems`.

    Example::

        refiner = LLMRefiner(CachedLLM(llm, keep_problems=True), embedder, prompt="pinr/sst2")
        refined = refiner.refine(points, texts, ["positive"] * len(texts))

    Attributes:
        llm: The model; one that is no `StreamingLLM` is put behind a `CachedLLM`.
        embedder: What the points were made with.
        prompt: The request for a variant: one that ships (``pinr/generic``, ``pinr/gsm8k``, ``pinr/quora``,
            ``pinr/ag_news``, ``pinr/sst2``), a file, or a `Prompt`. It is filled in with any of ``text`` (the whole),
            ``parts`` (one text a column; one in all if separators are lost), ``names`` (what to call them in the
            reply; none for one column) and ``label`` (None without labels).
        columns: Which text columns a text is made of; None is one.
        num_variants: Variants of a text in a round, L.
        num_seeds: Texts kept for a point between rounds, K.
        num_rounds: Rounds, T + 1; 0 only checks.
        reply_tokens: Longest reply; None is about twice the text's own length.
        max_input_tokens: Texts whose chats are longer are not sent; None sends all.
        check: Names the fault of a text, None if it has none; called with the text and `columns`.

    Raises:
        SettingError: if a number is out of its range, or the prompt has no place for the text, wants to know what
            there is not, or is for another number of columns.
        SourceNotFoundError: if there is no such prompt.
    """

    llm: LLM
    embedder: Embedder
    prompt: str | os.PathLike[str] | Prompt = "pinr/generic"
    columns: Columns | None = None
    num_variants: int = 3
    num_seeds: int = 1
    num_rounds: int = 2
    reply_tokens: int | None = None
    max_input_tokens: int | None = None
    check: Callable[[str, Columns | None], str | None] = coherence_check

    def __post_init__(self) -> None:
        for name, least in (("num_variants", 1), ("num_seeds", 1), ("num_rounds", 0), ("reply_tokens", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingError(f"`{name}` must be at least {least}; got {value}.")
        name, wanted = self._prompt.name, self._prompt.variables
        n_names = len(part_names(self.columns))
        unknown = sorted(wanted - set(_VALUES))
        if unknown or not wanted & {"text", "parts"}:
            raise SettingError(
                f"a prompt of the refiner is filled in with text or parts, and if it likes with names and label; "
                f"{name!r} asks for {', '.join(sorted(wanted)) or 'nothing'}. Change it, or pass another `prompt`."
            )
        if (name in _FOR_PAIRS and n_names != 2) or (n_names and "names" not in wanted):
            raise SettingError(
                f"prompt {name!r} is for {'two text columns' if name in _FOR_PAIRS else 'one text column'}; `columns` "
                f"has {n_names or 1}. Pass other `columns`, or another `prompt`, such as 'pinr/generic'."
            )

    @cached_property
    def _prompt(self) -> Prompt:
        return Prompt.load(self.prompt)

    def plan(self, text: str, label: str | None) -> tuple[list[Message], int]:
        """The chat of one variant of a text, and the longest reply in tokens."""
        return self._chat(text, label), self._room(text)

    @property
    def _n_rounds(self) -> int:
        """Rounds that a row can go through, those after it was drawn anew among them."""
        return 2 * self.num_rounds

    def refine(
        self,
        points: np.ndarray,
        texts: Sequence[str],
        labels: Sequence[str] | None = None,
        *,
        redraw: Redraw | None = None,
        events: Events | None = None,
    ) -> Refined:
        """Refines one text a point; see `Refiner.refine`.

        Raises:
            RowError: if there are no texts, not as many as points and labels, or as `redraw` was asked for; one is no
                text; a point is zero or holds NaN; a vector of the embedder does.
            SettingError: if the points have not the embedder's dimension.
            ServiceError: if a server cannot be reached at all, or refuses.
        """
        targets = _checked(points, texts, labels)
        events = events if events is not None else Events()
        copies = max(Counter(zip(texts, labels or texts, strict=True)).values())
        llm = self.llm if isinstance(self.llm, StreamingLLM) else CachedLLM(self.llm, keep_problems=True)
        desk = Desk(
            llm,
            events,
            n_samples=self.num_variants * self._n_rounds * copies,
            max_input_tokens=self.max_input_tokens,
        )
        courses = self._start(np.arange(len(texts)), texts, targets)
        for course in courses:
            if course.best.fault:
                events.steps[f"came_{course.best.fault}"] += 1
        self._run(desk, courses, targets, labels, first_round=0)
        if redraw is not None and not desk.stopped:
            courses = self._again(desk, courses, targets, labels, redraw)
        events.steps["separator_mended"] += sum(
            course.history[0].fault == "separator" and course.best.fault is None for course in courses
        )
        events.steps["left_incoherent"] += sum(course.best.fault is not None for course in courses)
        return _refined(courses, events, stopped=desk.stopped)

    def _start(self, positions: np.ndarray, texts: Sequence[str], targets: np.ndarray) -> list[_Course]:
        judged = self._judged(texts, positions, targets)
        return [_Course(int(i), one) for i, one in zip(positions, judged, strict=True)]

    def _run(
        self,
        desk: Desk,
        courses: Sequence[_Course],
        targets: np.ndarray,
        labels: Sequence[str] | None,
        *,
        first_round: int,
    ) -> None:
        for t in range(first_round, first_round + self.num_rounds):
            if desk.stopped:
                return
            asked = [(course, seed) for course in courses for seed in course.asked]
            chats = [self._chat(seed.text, labels[course.position] if labels else None) for course, seed in asked]
            occurrences: Counter[str] = Counter()
            questions = []
            for (_, seed), chat in zip(asked, chats, strict=True):
                # Equal chats, of two points with one text or of a text that was kept, must get variants of their own.
                first = (occurrences[repr(chat)] * self._n_rounds + t) * self.num_variants
                occurrences[repr(chat)] += 1
                questions += [
                    Question(chat, first + k, self._read, max_tokens=self._room(seed.text))
                    for k in range(self.num_variants)
                ]
            answers = desk.ask(questions)
            owners = [course for course, _ in asked for _ in range(self.num_variants)]
            found = [(c, a.value) for c, a in zip(owners, answers, strict=True) if a.value is not None]
            positions = np.asarray([course.position for course, _ in found], dtype=np.int64)
            variants = self._judged([text for _, text in found], positions, targets)
            taken: dict[int, list[_Text]] = {}
            for (course, _), variant in zip(found, variants, strict=True):
                taken.setdefault(course.position, []).append(variant)
            for course in courses:
                course.take(taken.get(course.position, []), self.num_seeds)

    def _again(
        self,
        desk: Desk,
        courses: list[_Course],
        targets: np.ndarray,
        labels: Sequence[str] | None,
        redraw: Redraw,
    ) -> list[_Course]:
        """Lets other texts take the place of those that stayed incoherent, if they fare better."""
        left = np.asarray([course.position for course in courses if course.best.fault], dtype=np.int64)
        if not len(left):
            return courses
        texts = list(redraw(left))
        if len(texts) != len(left):
            raise RowError(f"`redraw` must give one text a row; it was asked for {len(left)} and gave {len(texts)}.")
        _require_texts(texts)
        desk.events.steps["drawn_anew"] += len(left)
        anew = self._start(left, texts, targets)
        self._run(desk, anew, targets, labels, first_round=self.num_rounds)
        better = {course.position: course for course in anew if course.best.fault is None}
        desk.events.steps["drawn_anew_helped"] += len(better)
        return [better.get(course.position, course) for course in courses]

    def _chat(self, text: str, label: str | None) -> list[Message]:
        values = {
            "text": text,
            "parts": parts_of(text, self.columns),
            "names": part_names(self.columns),
            "label": label,
        }
        return self._prompt.messages(**{name: values[name] for name in self._prompt.variables})

    def _room(self, text: str) -> int:
        return self.reply_tokens or room_for(text)

    def _read(self, completion: Completion) -> str:
        text = row_of(completion.text, self.columns)
        fault = self.check(text, self.columns)
        if fault is not None:
            raise Unusable(fault, _COMPLAINTS.get(fault, fault))
        return text

    def _judged(self, texts: Sequence[str], positions: np.ndarray, targets: np.ndarray) -> list[_Text]:
        """The texts with their cosines to their points, each text embedded once, and their faults.

        Shape:
            positions: (n_texts,), int64, rows of `targets`; targets: (n, dim).
        """
        faults = [self.check(text, self.columns) for text in texts]
        # Embedders refuse a text without words, or give a vector that means nothing.
        distinct = list(dict.fromkeys(text for text in texts if text.strip()))
        vectors = np.asarray(self.embedder.encode(distinct) if distinct else targets[:0], dtype=np.float64)
        check_finite(vectors)
        if vectors.shape[1] != targets.shape[1]:
            raise SettingError(
                f"the points have {targets.shape[1]} dimensions, vectors of the embedder {self.embedder.name!r} "
                f"{vectors.shape[1]}. Refine with the embedder that the points were made with."
            )
        row_of_text = dict(zip(distinct, _unit(vectors), strict=True))
        return [
            _Text(text, float(row_of_text[text] @ targets[i]) if text in row_of_text else -1.0, fault)
            for text, i, fault in zip(texts, positions.tolist(), faults, strict=True)
        ]


def _checked(points: np.ndarray, texts: Sequence[str], labels: Sequence[str] | None) -> np.ndarray:
    """The points as unit vectors; raises unless there is one for each text, and a label if there are any."""
    if isinstance(texts, str) or not len(texts):
        raise RowError(f"`texts` must be a list of at least one text; got {texts!r:.80}.")
    _require_texts(texts)
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(texts):
        raise RowError(f"{len(texts)} texts need points of shape ({len(texts)}, dim); got {x.shape}.")
    if labels is not None and len(labels) != len(texts):
        raise RowError(f"{len(texts)} texts need {len(texts)} labels; got {len(labels)}. Pass None for texts without.")
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1) | ~x.any(axis=1))
    if len(bad):
        raise RowError(
            f"point {bad[0]} is zero or holds NaN or infinity ({len(bad)} of {len(x)} do), so nothing has a cosine to "
            f"it. Check the placement."
        )
    return _unit(x)


def _require_texts(texts: Sequence[object]) -> None:
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise RowError(f"text {i} must be a string; got {text!r:.80}.")


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def _refined(courses: Sequence[_Course], events: Events, *, stopped: bool) -> Refined:
    n = max(len(course.history) for course in courses)
    # A row that was drawn anew, or not, when a limit was reached has had fewer rounds than others.
    histories = [course.history + [course.best] * (n - len(course.history)) for course in courses]
    history = np.asarray([[one.cosine for one in each] for each in histories], dtype=np.float32).T
    coherent = np.asarray([[one.fault is None for one in each] for each in histories], dtype=bool).T
    return Refined(
        texts=[course.best.text for course in courses],
        cosine=history[-1],
        coherent=coherent[-1],
        history=history,
        coherent_history=coherent,
        events=events,
        stopped=stopped,
    )
