"""Questions and answers in the columns that their readers want."""

from collections.abc import Sequence

from datasets import Dataset, Features, Value, concatenate_datasets

from condensers.data import Columns, QuestionColumns
from condensers.errors import RowError


def shown(columns: Columns, text: str) -> str:
    """A question as people and models read it: its parts in paragraphs, without the separator.

    Raises:
        RowError: if the text has not the parts.
    """
    return "\n\n".join(columns.split(text))


def as_questions(rows: Dataset, questions: QuestionColumns) -> Dataset:
    """Rows that `as_prompts` gave, with their questions in the columns of the source again, for whoever compares them.

    Raises:
        RowError: if a prompt has not as many paragraphs as the question had columns, or more.
    """
    names, prompts = questions.columns.text, rows.with_format(None)["prompt"][:]
    parts = [prompt.removesuffix("\n").split("\n\n") if len(names) > 1 else [prompt.strip()] for prompt in prompts]
    for i, found in enumerate(parts):
        if len(found) != len(names):
            raise RowError(
                f"the prompt of row {i} has {len(found)} paragraphs, and the columns {', '.join(names)} are "
                f"{len(names)}; generate the rows with `row_format='source'`."
            )
    columns = Dataset.from_dict(dict(zip(names, map(list, zip(*parts, strict=True)), strict=True)))
    kept = [name for name in rows.column_names if name not in ("prompt", "completion", *names)]
    return concatenate_datasets([columns, rows.select_columns(kept)], axis=1) if kept else columns


def as_prompts(dataset: Dataset, questions: QuestionColumns, kept: Sequence[str]) -> Dataset:
    r"""Rows in the columns ``prompt`` and ``completion``, as TRL's SFTTrainer takes them.

    SFTTrainer puts the two together as they are, and learns the completion alone. So each prompt ends with a line
    break.

    Args:
        dataset: Rows with the columns of the source.
        questions: Which of them are questions and answers.
        kept: Further columns that stay.
    """
    rows = dataset.with_format(None)
    parts = zip(*(rows[name][:] for name in questions.columns.text), strict=True)
    columns = {
        "prompt": ["\n\n".join(row) + "\n" for row in parts],
        "completion": [str(answer) for answer in rows[questions.answer or ""][:]],
    }
    features = {name: Value("string") for name in columns}
    columns |= {name: rows[name][:] for name in kept}
    features |= {name: dataset.features[name] for name in kept}
    return Dataset.from_dict(columns, features=Features(features))
