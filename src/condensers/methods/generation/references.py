"""Test rows, of which nothing may be found in what is written."""

from datasets import Dataset

from condensers.data import QuestionColumns, load_splits, load_test_split
from condensers.errors import ColumnError, SourceNotFoundError
from condensers.methods.source import SourceReference


def reference_texts(against: str | Dataset, source: SourceReference, questions: QuestionColumns) -> list[str]:
    """Texts of test rows: their questions and answers, as far as they have them.

    Args:
        against: A split of the source, another dataset, or rows.
        source: Where the source comes from.
        questions: The columns of questions and answers.

    Raises:
        SourceNotFoundError: if there is no such split or dataset.
        ColumnError: if the rows have none of the columns.
    """
    dataset = _load(against, source) if isinstance(against, str) else against
    wanted = (*questions.columns.text, *([questions.answer] if questions.answer else []))
    names = [name for name in wanted if name in dataset.column_names]
    if not names:
        raise ColumnError(
            f"the test rows to hold out have no column {' or '.join(map(repr, wanted))}; their columns are "
            f"{', '.join(dataset.column_names)}."
        )
    columns = [dataset.with_format(None)[name][:] for name in names]
    texts = [" ".join(part for part in row if isinstance(part, str)) for row in zip(*columns, strict=True)]
    return [text for text in texts if text]


def _load(against: str, source: SourceReference) -> Dataset:
    splits = {} if source.path is None else load_splits(source.path, name=source.name, revision=source.revision)
    if against in splits:
        return splits[against]
    try:
        found = load_splits(against)
    except SourceNotFoundError as error:
        known = f"a split of the source ({', '.join(splits)})" if splits else "a split"
        raise SourceNotFoundError(f"`against` ({against!r}) is neither {known} nor a dataset: {error}") from error
    return next(iter(found.values())) if len(found) == 1 else load_test_split(found)
