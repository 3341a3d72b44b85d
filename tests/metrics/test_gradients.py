"""Similarity of gradients: what it is by definition, and which sets it tells apart."""

import numpy as np
import pytest
import torch
from conftest import make_rows
from tiny_classifiers import tiny_model, tiny_tokenizer

from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.metrics import METRICS, assess
from condensers.metrics.gradients import GradientSimilarity

ROWS = make_rows(12)
FEW = make_rows(3, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return str(path)


def similarity(folder, predictions=FEW, labels=None, references=ROWS, **changes):
    return GradientSimilarity(
        predictions["text"][:],
        references["text"][:],
        prediction_labels=predictions["label"][:] if labels is None else labels,
        reference_labels=references["label"][:],
        model=folder,
        **({"steps": 4, "every": 2} | changes),
    )


def test_by_its_definition(folder):
    """Cosines of gradients that autograd gives at the weights of each look, averaged over classes and looks."""
    found = similarity(folder)
    model, tokenizer = tiny_model(), tiny_tokenizer()

    def gradient(rows, code):
        texts = [row["text"] for row in rows if row["label"] == code]
        model.zero_grad()
        tokens = tokenizer(texts, padding=True, return_tensors="pt")
        model(**tokens, labels=torch.full((len(texts),), code)).loss.backward()
        return torch.cat([weight.grad.flatten() for weight in model.parameters()])

    cosines = []
    for checkpoint in found._checkpoints:
        model.load_state_dict(checkpoint.weights)
        model.eval()
        cosines += [torch.cosine_similarity(gradient(FEW, c), gradient(ROWS, c), dim=0).item() for c in range(3)]
    assert len(cosines) == 6
    assert found.value()["gradient_similarity"] == pytest.approx(np.mean(cosines), abs=1e-3)


def test_resamples_have_the_similarity_of_their_rows(folder):
    """Ten rows a class, more than are held at once; the gradients of a resample are taken anew here."""
    few = make_rows(10, seed=5)
    found = similarity(folder, few)
    values = found.bootstrap(3, np.random.default_rng(1))["gradient_similarity"]
    rng, labels = np.random.default_rng(1), np.asarray(few["label"][:])
    drawn = [rng.multinomial(10, np.full(10, 0.1), size=3) for _ in range(3)]
    for number, value in enumerate(values):
        rows = [np.repeat(np.flatnonzero(labels == code), drawn[code][number]) for code in range(3)]
        resample = few.select(np.concatenate(rows))
        assert similarity(folder, resample).value()["gradient_similarity"] == pytest.approx(value, abs=1e-5)
    assert len(set(values)) == 3


def test_the_whole_source_is_perfect_and_wrong_labels_are_not(folder):
    assert similarity(folder, ROWS).value()["gradient_similarity"] == pytest.approx(1.0, abs=1e-3)
    right = similarity(folder)
    wrong = similarity(folder, labels=[(label + 1) % 3 for label in FEW["label"]])
    value = wrong.value()["gradient_similarity"]
    # All gradients of a class share what raises its bias, so even wrong rows are not far off.
    null = right.null(20, np.random.default_rng(0))["gradient_similarity"]
    assert value < null.min() < right.value()["gradient_similarity"]
    assert value == pytest.approx(right.foil(np.random.default_rng(0))["gradient_similarity"], abs=1e-6)


def test_more_rows_come_nearer(folder):
    values = [similarity(folder, make_rows(n, seed=3)).value()["gradient_similarity"] for n in (1, 10)]
    assert values[0] < values[1]


def test_interval_null_and_seed(folder):
    score = assess(similarity(folder), n_resamples=25)["gradient_similarity"]
    assert score.low <= score.value <= score.high
    assert score.informative and score.like_a_sample
    assert score == assess(similarity(folder), n_resamples=25)["gradient_similarity"]
    assert score.value != similarity(folder, seed=1).value()["gradient_similarity"]


def test_representatives_are_chosen_by_k_center_where_vectors_are_given(folder):
    vectors = np.random.default_rng(0).normal(size=(len(ROWS), 4)).astype(np.float32)
    some = [
        similarity(folder, per_class=4, **given).value()["gradient_similarity"]
        for given in ({}, {"reference_vectors": vectors, "prediction_vectors": vectors[:9]})
    ]
    assert some[0] != some[1]


def test_labels_may_be_names_and_random_state_is_kept(folder):
    names = ["a", "b", "c"]
    state = torch.random.get_rng_state()
    found = GradientSimilarity(
        FEW["text"][:],
        ROWS["text"][:],
        prediction_labels=[names[label] for label in FEW["label"]],
        reference_labels=[names[label] for label in ROWS["label"]],
        model=folder,
        steps=4,
        every=2,
    )
    assert found.value() == similarity(folder).value()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_mistakes(folder, tmp_path):
    with pytest.raises(SettingError, match="pass `prediction_labels=`"):
        METRICS["gradient_similarity"].compare(["a"], ["b", "c"], reference_labels=[0, 1], model=folder)
    for changes in ({"steps": 0}, {"every": 0}, {"per_class": 0}, {"steps": 5}):
        with pytest.raises(SettingError, match=next(iter(changes))):
            similarity(folder, **changes)
    with pytest.raises(RowError, match="9 predictions and 2 `prediction_labels`"):
        similarity(folder, labels=[0, 1])
    with pytest.raises(RowError, match="7 is a class of the predictions"):
        similarity(folder, labels=[7] * 9)
    with pytest.raises(RowError, match="two classes"):
        similarity(folder, references=ROWS.filter(lambda row: row["label"] == 0), labels=[0] * 9)
    with pytest.raises(SourceNotFoundError):
        similarity(str(tmp_path / "nothing"))
