import pytest
from datasets import ClassLabel, Dataset, Features, Value

from condensers.data import Columns, resolve_columns, resolve_questions
from condensers.errors import ColumnError, RowError

STRING, INT, BOOL, FLOAT = Value("string"), Value("int64"), Value("bool"), Value("float64")


def rows(**features):
    return Dataset.from_dict({name: [] for name in features}, features=Features(features))


@pytest.mark.parametrize(
    ("features", "text", "label", "kind"),
    [
        ({"text": STRING, "label": INT, "label_text": STRING}, ("text",), "label", "text"),
        ({"idx": INT, "sentence": STRING, "label": ClassLabel(names=["a", "b"])}, ("sentence",), "label", "text"),
        ({"premise": STRING, "hypothesis": STRING, "label": INT}, ("premise", "hypothesis"), "label", "pair"),
        ({"question": STRING, "answer": STRING, "final": STRING}, ("question", "answer"), None, "qa"),
        ({"passage": STRING, "question": STRING, "answer": BOOL}, ("passage", "question"), "answer", "pair"),
        ({"utterance": STRING, "mood": ClassLabel(names=["a", "b"])}, ("utterance",), "mood", "text"),
        ({"body": STRING}, ("body",), None, "free_text"),
    ],
)
def test_plausible_columns_are_guessed(features, text, label, kind):
    columns = resolve_columns(rows(**features))
    assert (columns.text, columns.label, columns.kind) == (text, label, kind)


def test_two_possible_labels_are_named():
    with pytest.raises(ColumnError, match="coarse, fine"):
        resolve_columns(rows(text=STRING, coarse=ClassLabel(names=["a"]), fine=ClassLabel(names=["b"])))


def test_two_possible_texts_are_named():
    with pytest.raises(ColumnError, match="left, right"):
        resolve_columns(rows(left=STRING, right=STRING))


def test_missing_column_names_the_columns_there_are():
    with pytest.raises(ColumnError, match=r"no column 'sentnce'.*text, label"):
        resolve_columns(rows(text=STRING, label=INT), text="sentnce")


def test_float_label_is_refused_with_the_remedy():
    with pytest.raises(ColumnError, match="not double|not float64"):
        resolve_columns(rows(text=STRING, label=FLOAT))
    assert resolve_columns(rows(text=STRING, label=FLOAT), label=None).label is None


def test_text_must_be_strings():
    with pytest.raises(ColumnError, match="must hold strings"):
        resolve_columns(rows(text=INT, other=STRING), text="text")


def test_one_column_cannot_be_both():
    with pytest.raises(ColumnError, match="at once"):
        resolve_columns(rows(text=STRING), text="text", label="text")


def test_split_undoes_join():
    columns = Columns(("question", "answer"))
    assert columns.split(columns.join(("How many?", "Seven."))) == ("How many?", "Seven.")
    assert columns.split("How many?[SEP]Seven.") == ("How many?", "Seven.")
    assert Columns(("text",)).split("a [SEP] b") == ("a [SEP] b",)


@pytest.mark.parametrize("text", ["no separator", "two [SEP] of [SEP] them"])
def test_split_refuses_the_wrong_number_of_separators(text):
    with pytest.raises(RowError, match="must hold 1 separator"):
        Columns(("question", "answer")).split(text)


@pytest.mark.parametrize(
    ("features", "given", "text", "label", "answer"),
    [
        ({"question": STRING, "answer": STRING, "final": STRING}, {}, ("question",), None, "answer"),
        ({"question": STRING, "answer": STRING}, {"answer": None}, ("question",), None, None),
        ({"passage": STRING, "question": STRING, "answer": BOOL}, {}, ("passage", "question"), None, "answer"),
        ({"prompt": STRING, "code": STRING}, {"answer": "code"}, ("prompt",), None, "code"),
        ({"text": STRING, "label": INT}, {}, ("text",), "label", None),
        ({"question": STRING, "answer": STRING}, {"text": ["question", "answer"]}, ("question", "answer"), None, None),
        ({"question": STRING, "answer": STRING, "label": INT}, {"label": "label"}, ("question",), "label", "answer"),
        ({"text": STRING, "output": STRING}, {"label": "output"}, ("text",), "output", None),
    ],
)
def test_questions_are_told_from_answers(features, given, text, label, answer):
    found = resolve_questions(rows(**features), **given)
    assert (found.columns.text, found.columns.label, found.answer) == (text, label, answer)


def test_answers_that_cannot_be():
    with pytest.raises(ColumnError, match="several columns could be the answers: answer, response"):
        resolve_questions(rows(question=STRING, answer=STRING, response=STRING))
    with pytest.raises(ColumnError, match="no column 'reply'; its columns are question, answer"):
        resolve_questions(rows(question=STRING, answer=STRING), answer="reply")
    with pytest.raises(ColumnError, match="answer column 'score' must hold strings or booleans"):
        resolve_questions(rows(question=STRING, score=FLOAT), answer="score")
    with pytest.raises(ColumnError, match="'question' cannot be the answers and text at once"):
        resolve_questions(rows(question=STRING, answer=STRING), text="question", answer="question")
