"""Scripts that measure and weigh rows, and the one that publishes metrics."""

import json

import numpy as np
import pytest
from conftest import make_rows
from datasets import load_dataset
from huggingface_hub import DatasetCard
from tiny_classifiers import tiny_model, tiny_tokenizer

pytestmark = pytest.mark.hub


def test_scores_become_columns(hub, source, script, tmp_path):
    tiny_model().save_pretrained(tmp_path / "bert")
    tiny_tokenizer().save_pretrained(tmp_path / "bert")
    make_rows(6, seed=2).push_to_hub("me/real", private=True)
    options = ("--quality-dataset", "me/real", "--model", tmp_path / "bert", "--epochs", 2, "--learning-rate", 1e-3)
    code, out, err = script("score_synthetic", source, "me/scored", *options, "--max-weight", 2, "--licence", "mit")
    assert code == 0, err
    assert "24 scored rows are at me/scored" in out
    rows = load_dataset("me/scored", split="train")
    quality, diversity, weight = (
        np.asarray(rows[name][:]) for name in ("quality_log_prob", "diversity_log_prob", "importance_weight")
    )
    np.testing.assert_allclose(weight, np.minimum(np.exp(quality - diversity), 2), rtol=1e-5)
    assert rows["text"][:] == load_dataset(source, split="train")["text"][:]
    card = DatasetCard.load("me/scored")
    assert card.data.license == "mit" and "me/source" in card.text and str(tmp_path) not in str(card)
    assert "fitted on these very rows" in card.text
    # Scored again, the rows of before make way; rows that others put somewhere do not.
    assert script("score_synthetic", source, "me/scored", *options)[0] == 0
    files = hub.repositories["dataset", "me/scored"].files()
    assert len([name for name in files if name.endswith(".parquet")]) == 1
    assert json.loads(files["condensers_scores.json"])["checkers"]["quality"]["in_sample"] is True
    code, _, err = script("score_synthetic", source, "me/real", *options)
    assert code == 2 and "has not published" in err
    assert len(hub.repositories["dataset", "me/real"].commits) == 2


def test_scoring_needs_something_real(hub, source, script):
    code, _, err = script("score_synthetic", source, "me/scored")
    assert code == 2 and "`quality_dataset=`" in err and "gone again" in err
    assert ("dataset", "me/scored") not in hub.repositories


def test_what_was_measured_goes_onto_the_card(hub, source, script):
    assert script("select_coreset", source, "me/few", "--method", "k_center", "--per-class", 4)[0] == 0
    assert "was not measured" in DatasetCard.load("me/few").text
    before = load_dataset("me/few", split="train")["text"][:]
    options = ("--against", source, "--learners", "linear_probe", "--seeds", 2, "--metrics", "diversity")
    code, out, err = script("evaluate_condensed", "me/few", *options)
    assert code == 0, err
    assert "stands on the card" in out
    text = DatasetCard.load("me/few").text
    assert "| linear_probe | " in text and "vendi_share" in text
    assert load_dataset("me/few", split="train")["text"][:] == before


def test_rows_that_are_not_there_are_not_measured(hub, source, script):
    code, _, err = script("evaluate_condensed", "me/nowhere", "--against", source, "--target", "me/measured")
    assert code == 2 and "me/nowhere" in err
    assert ("dataset", "me/measured") not in hub.repositories


def test_metrics_become_spaces(hub, script):
    code, out, err = script("publish_metrics", "me", "--metrics", "fid,mauve", "--requirement", "condensers==9")
    assert code == 0, err
    assert out.splitlines() == ['evaluate.load("me/fid")', 'evaluate.load("me/mauve")']
    for name in ("fid", "mauve"):
        space = hub.repositories["space", f"me/{name}"]
        assert space.private
        files = space.files()
        assert {f"{name}.py", "app.py", "README.md"} <= set(files)
        assert files["requirements.txt"] == b"condensers==9\n" and b"sdk: gradio" in files["README.md"]
    code, _, err = script("publish_metrics", "me", "--metrics", "magic")
    assert code == 2 and "no metric 'magic'" in err
