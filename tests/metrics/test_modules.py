"""The folders in `metrics/modules`, as `evaluate` loads them, locally and from a Hub."""

import re
import shutil
import sys
import warnings
from pathlib import Path

import evaluate
import numpy as np
import pytest

import condensers
from condensers import metrics
from condensers.errors import BudgetError, ColumnError, RowError, SettingError, SourceNotFoundError
from condensers.metrics import METRICS, metric

FOLDER = Path(metrics.__file__).parent / "modules"
ON_VECTORS = [name for name, kind in METRICS.items() if kind.reads == "vectors"]
ON_TEXTS = [name for name, kind in METRICS.items() if kind.reads in ("texts", "both")]


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory):
    """One folder for all tests here: Python remembers where it has found the package of copied modules.

    What another test had copied elsewhere, in this process, is forgotten meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [path for path in sys.path if not Path(path, "evaluate_modules").is_dir()])
        for name in _copies():
            patch.delitem(sys.modules, name)
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        patch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path_factory.mktemp("metrics")))
        yield
        for name in _copies():
            del sys.modules[name]


def _copies():
    return [name for name in sys.modules if name.partition(".")[0] == "evaluate_modules"]


@pytest.fixture
def texts():
    words = np.array([f"word{i}" for i in range(200)])
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(words, size=rng.integers(5, 20))) for _ in range(300)]


def quiet(module, **given):
    """Computes; at such sizes some scores may say nothing, which is told by a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return module.compute(**given)


def expected_names(name):
    tails = ("", "_low", "_high", "_null_mean", "_null_low", "_null_high", "_informative")
    return {score + tail for score in METRICS[name].scores for tail in tails}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_folder_that_could_be_a_space(name):
    folder = FOLDER / name
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        f"{name}.py",
        "README.md",
        "app.py",
        "requirements.txt",
    }
    card = (folder / "README.md").read_text()
    assert card.startswith("---\ntitle: ") and "sdk: gradio" in card and "- evaluate\n" in card
    assert f'condensers.metric("{name}")' in card
    for score in METRICS[name].scores:
        assert f"`{score}`" in card
    for setting in METRICS[name].settings:
        assert f"`{setting}" in card or setting == "seed"
    assert (folder / "requirements.txt").read_text() == "condensers\n"


def test_no_folder_is_without_an_entry():
    assert sorted(path.name for path in FOLDER.iterdir() if not path.name.startswith("_")) == sorted(METRICS)


@pytest.mark.parametrize("name", ON_VECTORS)
def test_vectors(name, cloud, elsewhere):
    module = evaluate.load(condensers.metric(name))
    found = quiet(module, predictions=elsewhere, references=cloud, n_resamples=20)
    assert set(found) == expected_names(name)
    assert found == quiet(module, predictions=elsewhere.tolist(), references=cloud, n_resamples=20)
    for score in METRICS[name].scores:
        assert found[f"{score}_null_low"] <= found[f"{score}_null_mean"] <= found[f"{score}_null_high"]


@pytest.mark.parametrize("name", ON_TEXTS)
def test_texts(name, texts):
    module = evaluate.load(metric(name))
    found = quiet(module, predictions=texts[:10], references=texts[10:], n_resamples=20)
    assert set(found) <= expected_names(name)
    assert found == quiet(module, predictions=texts[:10], references=texts[10:], n_resamples=20)


@pytest.mark.models
def test_texts_are_embedded(texts, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    module = evaluate.load(metric("mauve"))
    found = quiet(module, predictions=texts[:12], references=texts, embedder="offline", n_resamples=20)
    embedder = condensers.load_embedder("offline")
    vectors = embedder.encode(texts)
    again = quiet(module, predictions=vectors[:12], references=vectors, n_resamples=20)
    assert found["mauve"] == pytest.approx(again["mauve"], abs=1e-3)


def test_rows_may_come_in_parts_of_unequal_size(cloud):
    module = evaluate.load(metric("total_variation"))
    whole = quiet(module, predictions=cloud[:25], references=cloud, n_resamples=20)
    module.add_batch(references=cloud[:1000])
    module.add_batch(predictions=cloud[:20], references=cloud[1000:])
    for row in cloud[20:25]:
        module.add(prediction=row)
    assert len(module) == 25
    assert quiet(module, n_resamples=20) == whole
    assert len(module) == 0


def test_combine(cloud):
    both = evaluate.combine([metric("mauve"), metric("total_variation")])
    found = quiet(both, predictions=cloud[:30], references=cloud, n_resamples=20)
    assert expected_names("mauve") | expected_names("total_variation") == set(found)


def test_a_copy_elsewhere_works_as_a_space_would(cloud, tmp_path):
    shutil.copytree(FOLDER / "mauve", tmp_path / "mauve")
    module = evaluate.load(str(tmp_path / "mauve"))
    assert 0 < quiet(module, predictions=cloud[:30], references=cloud)["mauve"] < 1
    assert module.features[1]["references"].feature.dtype == "float32"
    assert "n_buckets, scaling, together" in module.inputs_description


def test_a_size_at_which_a_score_says_nothing_is_told(cloud):
    module = evaluate.load(metric("mauve"))
    with pytest.warns(UserWarning, match=r"mauve: at 1 predictions even a set that is wrong by design"):
        found = module.compute(predictions=cloud[:1], references=cloud)
    assert found["mauve_informative"] is False


def test_mistakes(cloud, texts):
    with pytest.raises(SourceNotFoundError, match=r"no metric 'bleu'; there are .*mauve"):
        metric("bleu")
    with pytest.raises(SourceNotFoundError):
        metric("../module")
    module = evaluate.load(metric("mauve"))
    for predictions, references in ((cloud[:0], cloud), (cloud, cloud[:0]), ([], texts)):
        with pytest.raises(RowError, match=r"there are no (predictions|references)"):
            module.compute(predictions=predictions, references=references)
    broken = cloud[:5].copy()
    broken[3, 2] = np.nan
    with pytest.raises(RowError, match="vector 3 holds NaN"):
        module.compute(predictions=broken, references=cloud)
    with pytest.raises(RowError, match="predictions have 8 and references 16"):
        module.compute(predictions=cloud[:5, :8], references=cloud)
    with pytest.raises(RowError, match=re.escape("of shape (n_rows, dim); got (16,)")):
        module.compute(predictions=cloud[0], references=cloud)
    with pytest.raises(ColumnError, match="the predictions are texts and the references are not"):
        module.compute(predictions=texts, references=cloud)
    with pytest.raises(ColumnError, match="number 1 is int"):
        evaluate.load(metric(ON_TEXTS[0])).compute(predictions=["a", 3], references=texts)
    with pytest.raises(SettingError, match="no setting 'buckets'; there are n_buckets, scaling, together"):
        module.compute(predictions=cloud[:5], references=cloud, buckets=3)
    with pytest.raises(SettingError, match="`scaling` must be above 0"):
        module.compute(predictions=cloud[:5], references=cloud, scaling=-1)
    with pytest.raises(BudgetError, match="n_buckets"):
        module.compute(predictions=cloud[:5], references=cloud[:3], n_buckets=4)
