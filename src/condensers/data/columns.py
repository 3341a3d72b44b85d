"""Which columns of a dataset hold the text and which the label, and how several text columns become one text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from datasets import ClassLabel, Dataset, Features, Value

from condensers.errors import ColumnError, RowError

SEPARATOR = " [SEP] "

# What datasets on the Hub call their text columns; the first entry that fits wins, pairs before single columns.
_TEXT_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("text",),
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("passage", "question"),
    ("question1", "question2"),
    ("question", "answer"),
    ("instruction", "output"),
    ("sentence",),
    ("content",),
    ("review",),
    ("tweet",),
    ("message",),
    ("document",),
    ("prompt",),
    ("question",),
)
_ANSWER_COLUMNS = frozenset({"answer", "answers", "response", "output", "completion"})
_LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "sentiment", "intent", "topic")


@dataclass(frozen=True)
class Columns:
    """The columns a condenser reads.

    Attributes:
        text: Names of the text columns, in the order in which they are joined.
        label: Name of the label column; None for unlabelled text.
        separator: What stands between two joined texts (PInR, Appendix A.1, uses ``[SEP]``).
    """

    text: tuple[str, ...]
    label: str | None = None
    separator: str = SEPARATOR

    @property
    def kind(self) -> Literal["text", "pair", "qa", "free_text"]:
        """One labelled text, a pair of texts, a question with its answer, or one text without a label."""
        if len(self.text) > 1:
            return "qa" if self.text[-1] in _ANSWER_COLUMNS else "pair"
        return "text" if self.label is not None else "free_text"

    def join(self, parts: Sequence[str]) -> str:
        """Joins the text columns of one row."""
        return self.separator.join(parts)

    def split(self, text: str) -> tuple[str, ...]:
        """Splits a joined text into one part a text column.

        Surrounding spaces are dropped, since generated text rarely keeps them.

        Raises:
            RowError: if `text` does not hold exactly one separator fewer than there are text columns.
        """
        mark = self.separator.strip() or self.separator
        parts = tuple(part.strip() for part in text.split(mark)) if len(self.text) > 1 else (text,)
        if len(parts) != len(self.text):
            raise RowError(
                f"a text for the columns {', '.join(self.text)} must hold {len(self.text) - 1} separator(s) {mark!r}; "
                f"got {len(parts) - 1} in {text[:80]!r}."
            )
        return parts


def resolve_columns(
    dataset: Dataset,
    text: str | Sequence[str] | None = None,
    label: str | None = "auto",
    separator: str = SEPARATOR,
) -> Columns:
    """Finds the text and label columns, or checks the ones that are given.

    Args:
        dataset: The rows; only their features are looked at.
        text: One column or several; None guesses when there is one plausible answer.
        label: A column; ``"auto"`` guesses, None says that the rows have no label.
        separator: Put between several text columns.

    Raises:
        ColumnError: if a column is missing, of the wrong kind, or cannot be guessed; the message names the candidates.
    """
    features = dataset.features
    given = (text,) if isinstance(text, str) else tuple(text) if text is not None else None
    for name in given or ():
        _require_text(features, name)
    label_name = _guess_label(features, given or ()) if label == "auto" else label
    if label_name is not None:
        _require_label(features, label_name)
    text_names = given if given is not None else _guess_text(features, label_name)
    if label_name in text_names:
        raise ColumnError(f"column {label_name!r} cannot be text and label at once; choose another `label`.")
    return Columns(text=text_names, label=label_name, separator=separator)


@dataclass(frozen=True)
class QuestionColumns:
    """The columns of a dataset to write more of: questions, and if they have any, their answers.

    Attributes:
        columns: Those of the questions, and their label.
        answer: The column of the answers, strings or booleans; None where there are none, or none are wanted.
    """

    columns: Columns
    answer: str | None = None


def resolve_questions(
    dataset: Dataset,
    text: str | Sequence[str] | None = None,
    label: str | None = "auto",
    answer: str | None = "auto",
    separator: str = SEPARATOR,
) -> QuestionColumns:
    """Finds the columns of questions and of their answers, or checks the ones that are given.

    Args:
        dataset: The rows; only their features are looked at.
        text: See `resolve_columns`; a column of answers that it names is read as text.
        label: See `resolve_columns`.
        answer: A column; ``"auto"`` takes the one that is called like one, None says that no answers are wanted.
        separator: See `resolve_columns`.

    Raises:
        ColumnError: if a column is missing, of the wrong kind, or cannot be guessed; the message names the candidates.
    """
    features = dataset.features
    given = (text,) if isinstance(text, str) else tuple(text or ())
    called = [name for name in features if name in _ANSWER_COLUMNS and name not in given and name != label]
    if answer == "auto":
        found = [name for name in called if _is_answer(features[name])]
        if len(found) > 1:
            raise ColumnError(f"several columns could be the answers: {', '.join(found)}. Choose with `answer=`.")
        answer = found[0] if found else None
    elif answer is not None:
        _require(features, answer)
        if not _is_answer(features[answer]):
            raise ColumnError(f"answer column {answer!r} must hold strings or booleans, not {features[answer]}.")
        if answer in given or answer == label:
            other = "text" if answer in given else "the label"
            raise ColumnError(f"column {answer!r} cannot be the answers and {other} at once; choose another `answer`.")
    # Not to be guessed as text or label, though nobody may want answers.
    apart = {*called, *([answer] if answer else [])}
    rest = dataset.select_columns([name for name in features if name not in apart])
    return QuestionColumns(resolve_columns(rest, text, label, separator), answer)


def _is_answer(feature: object) -> bool:
    return _is_string(feature) or (isinstance(feature, Value) and feature.dtype == "bool")


def _is_string(feature: object) -> bool:
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string")


def _require(features: Features, name: str) -> None:
    if name not in features:
        raise ColumnError(f"the dataset has no column {name!r}; its columns are {', '.join(features)}.")


def _require_text(features: Features, name: str) -> None:
    _require(features, name)
    if not _is_string(features[name]):
        strings = [column for column, feature in features.items() if _is_string(feature)]
        raise ColumnError(
            f"text column {name!r} must hold strings, not {features[name]}; "
            f"string columns are {', '.join(strings) or 'none'}."
        )


def _require_label(features: Features, name: str) -> None:
    _require(features, name)
    feature = features[name]
    if isinstance(feature, ClassLabel):
        return
    dtype = feature.dtype if isinstance(feature, Value) else str(feature)
    if not (dtype in ("string", "large_string", "bool") or dtype.startswith(("int", "uint"))):
        raise ColumnError(
            f"label column {name!r} must hold classes (ClassLabel, integers, strings or booleans), not {dtype}. "
            f"Cast it with `dataset.cast_column({name!r}, ...)`, or pass `label=None` for unlabelled text."
        )


def _guess_label(features: Features, text: Sequence[str]) -> str | None:
    free = [name for name in features if name not in text]
    for candidates in (
        [name for name in free if isinstance(features[name], ClassLabel)],
        [name for name in _LABEL_COLUMNS if name in free],
        [name for name in free if isinstance(features[name], Value) and features[name].dtype == "bool"],
    ):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise ColumnError(f"several columns could be the label: {', '.join(candidates)}. Choose with `label=`.")
    return None


def _guess_text(features: Features, label: str | None) -> tuple[str, ...]:
    strings = [name for name, feature in features.items() if _is_string(feature) and name != label]
    for names in _TEXT_COLUMNS:
        if all(name in strings for name in names):
            return names
    if len(strings) == 1:
        return (strings[0],)
    if not strings:
        raise ColumnError(f"the dataset has no string column; its columns are {', '.join(features)}.")
    raise ColumnError(f"several columns could be the text: {', '.join(strings)}. Choose with `text=`.")
