"""Questions and answers in the columns that their readers want."""

from collections.abc import Sequence

from datasets import Dataset, Features, Value

from condensers.data import Columns, QuestionColumns


def shown(columns: Columns, text: str) -> str:
    """A question as people and models read it: its parts in paragraphs, without the separator.

    Raises:
        RowError: if the text has not the parts.
    """
    return "\n\n".join(columns.split(text))


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
