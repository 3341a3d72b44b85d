"""Algorithm 1, step by step, on a scripted language model and scripted rewards."""

import json
import logging
import re

import numpy as np
import pytest
import torch
from conftest import make_rows
from datasets import Dataset
from methods.scripted import TEXT, ScriptedLLM, ScriptedRewards, good_reply
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers.errors import BudgetError, ColumnError, SettingError
from condensers.llm import Completion
from condensers.methods import PROVENANCE, AutoCondenser
from condensers.methods.condensed import REWARD_PROVENANCE
from condensers.methods.condenselm import CondenseLMCondenser
from condensers.methods.reward_matching import rewards_of
from condensers.rewards import EmbeddingProbe
from condensers.selection import KCenter

# Two classes of six rows each; the confidence of the representability model is written in the text.
CONFIDENCES = [0.95, 0.9, 0.85, 0.82, 0.6, 0.1]


def graded_rows():
    texts = [f"{kind} word{i} is {p}" for kind in ("good", "bad") for i, p in enumerate(CONFIDENCES)]
    return Dataset.from_dict({"text": texts, "label": ["pos"] * 6 + ["neg"] * 6})


def condenser(llm, rewards, **settings):
    defaults = {"per_class": 2, "subset_size": 3, "condensed_size": 1, "candidates": 2, "reply_format": "json"}
    return CondenseLMCondenser(embedder=WordEmbedder(), llm=llm, reward_model=rewards, **{**defaults, **settings})


class TestRewards:
    def test_by_hand(self):
        rewards = rewards_of(np.array([0.9, 0.8, 0.5]), np.array([0.2, 0.6, 0.1]), 3)
        assert rewards.coverage == pytest.approx([0.7, 0.2, 0.4])
        assert rewards.score(0.2) == pytest.approx([1.04, 0.84, 0.58])
        assert rewards.passing(0.8, 0.3).tolist() == [True, False, False]

    def test_the_prior_of_round_one(self):
        # Two classes: a representability of 0.8 is a coverage of 0.3, so both thresholds say the same.
        rewards = rewards_of(np.array([0.8, 0.79]), 0.5, 2)
        assert rewards.passing(0.8, 0.3 - 1e-9).tolist() == [True, False]

    def test_ablations(self):
        p = np.array([0.9, 0.1])
        assert rewards_of(None, p, 2).coverage == pytest.approx([0.1, 0.9])
        assert rewards_of(None, p, 2).score(0.2) == pytest.approx([0.02, 0.18])
        assert rewards_of(p, None, 2).score(0.2) == pytest.approx([0.9, 0.1])
        assert rewards_of(None, None, 2).score(0.2).tolist() == [0, 0]
        assert rewards_of(None, None, 2).passing(1, 1).all()


def test_algorithm_1_step_by_step():
    """Two rounds with two candidates each; which rows are seen and which candidate wins is known beforehand."""
    quality = {(1, 0): 0.5, (1, 1): 0.7, (2, 0): 0.6, (2, 1): 0.3}  # round and sample -> confidence in what it wrote
    llm = ScriptedLLM()
    seen = []

    def confidence(text, code, fitted_on):
        if text.startswith("new"):
            _, number, sample, _ = text.split()
            return quality[int(number), int(sample)] if fitted_on is None else 0.1
        if fitted_on is None:
            return float(text.split()[-1])
        return 0.9 if text in (seen[0][0], seen[0][-1]) else 0.2  # a row of each class is covered by now

    def reply(messages, sample, schema):
        if schema.__name__ == "Features":
            seen.append(sorted(TEXT.findall(messages[1]["content"])))
        if schema.__name__ != "Samples":
            return plain(messages, sample, schema)
        number = 1 if len({tuple(rows) for rows in seen}) == 1 else 2
        rows = [{"label": n, "text": f"new {number} {sample} {n}"} for n in ("pos", "neg")]
        return json.dumps({"samples": rows})

    llm.reply = reply
    rewards = ScriptedRewards(confidence)
    made = condenser(llm, rewards)
    small = made.condense(graded_rows())

    # Filter, round 1: 0.95, 0.9, 0.85 and 0.82 pass both thresholds; k_center takes three of these four.
    passing = [f"{kind} word{i} is {p}" for kind in ("bad", "good") for i, p in enumerate(CONFIDENCES[:4])]
    first, second = (list(rows) for rows in dict.fromkeys(map(tuple, seen)))
    assert len(first) == 6 and set(first) <= set(passing)
    for kind in ("bad", "good"):
        texts = [text for text in passing if text.startswith(kind)]
        shown = {text for text in first if text.startswith(kind)}
        picks = [
            set(np.array(texts)[KCenter(seed).select(WordEmbedder().encode(texts), 3)].tolist()) for seed in range(50)
        ]
        assert shown in picks
    # Filter, round 2: of those four, one has a coverage of at most 0.95 - 0.9 and drops out; the other three are all.
    assert set(second) == set(passing) - {first[0], first[-1]}
    # Candidates, round 1: the coverage is R_rep - 1/2, so sample 1 wins with 2 (0.7 + 0.2 * 0.2) = 1.48 over
    # 2 (0.5 + 0). Round 2: the coverage model gives 0.1, sample 0 wins with 2 (0.6 + 0.2 * 0.5) = 1.4.
    assert small["text"][:] == ["new 1 1 neg", "new 2 0 neg", "new 1 1 pos", "new 2 0 pos"]
    assert small["condensed_reward"][:] == pytest.approx([0.74, 0.7, 0.74, 0.7])
    assert small["condensed_round"][:] == [1, 2, 1, 2]
    assert [entry["reward"] for entry in made.run_.llm["rounds"]] == pytest.approx([1.48, 1.4])
    # The representability model saw the source once, the coverage model what there was after round 1.
    (source, recipe, _), (condensed, coverage, _) = rewards.fits
    assert (len(source), recipe.dropout, recipe.learning_rate) == (12, 0.3, 1e-5)
    assert (sorted(condensed), coverage.max_steps) == (["new 1 1 neg", "new 1 1 pos"], 200)
    # Parents are the rows that were shown.
    source_texts = graded_rows()["text"][:]
    parents = {source_texts[i] for row in small for i in row["condensed_parents"] if row["condensed_round"] == 1}
    assert parents == set(first)


def test_coverage_decides_what_is_seen_next():
    seen = []

    def confidence(text, code, fitted_on):
        if fitted_on is None:
            return 0.9
        return 0.7 if any(f"word{i} " in f"{text} " for i in (0, 1, 2)) else 0.2

    def reply(messages, sample, schema):
        if schema.__name__ == "Features":
            seen.append(TEXT.findall(messages[1]["content"]))
        return plain(messages, sample, schema)

    condenser(ScriptedLLM(reply), ScriptedRewards(confidence)).condense(graded_rows())
    covered = [text for text in seen[-1] if any(f"word{i} " in text for i in (0, 1, 2))]
    assert len(seen[-1]) == 6 and covered == []


def test_thresholds_that_leave_too_few_rows_give_way_with_a_warning(caplog):
    rewards = ScriptedRewards(lambda text, code, fit: float(text.split()[-1]) if text[:4] in ("good", "bad ") else 0.5)
    made = condenser(ScriptedLLM(plain), rewards, per_class=1, subset_size=5)
    with caplog.at_level(logging.WARNING):
        small = made.condense(graded_rows())
    assert "leave 4 of 6 rows of 'neg', 4 of 6 rows of 'pos'; the 5 of the highest reward are taken" in caplog.text
    assert made.run_.llm["events"]["thresholds_relaxed"] == 2
    texts = graded_rows()["text"][:]
    assert [texts[i].split()[-1] for i in small[0]["condensed_parents"]] == ["0.95", "0.9", "0.85", "0.82", "0.6"]


def plain(messages, sample, schema):
    """A good reply for labels the script knows no words for."""
    feature = {"label": "pos", "feature": "good", "exemplars": []}
    if schema is not None and schema.__name__ == "Features":
        return json.dumps({"features": [feature]})
    return good_reply(messages, sample, schema)


class TestAblations:
    def ask(self, rewards, **settings):
        llm = ScriptedLLM(plain)
        made = condenser(llm, rewards, **settings)
        small = made.condense(graded_rows())
        return llm, rewards, small

    @pytest.fixture
    def rewards(self):
        return ScriptedRewards(lambda text, code, fit: 0.9 if fit is None else 0.3)

    def test_without_ldsc_the_rows_are_examples(self, rewards):
        llm, _, small = self.ask(rewards, use_ldsc=False)
        assert {schema.__name__ for _, _, schema in llm.asked} == {"Samples"}
        assert small["condensed_reward"][0] == pytest.approx(0.9 + 0.2 * 0.4)

    def test_without_representability(self, rewards):
        _, rewards, small = self.ask(rewards, use_representability=False)
        assert [len(fitted_on) for fitted_on, _, _ in rewards.fits] == [2]
        assert sorted(small["condensed_reward"][:]) == pytest.approx([0.2 * 0.5] * 2 + [0.2 * 0.7] * 2)

    def test_without_coverage_rounds_walk_through_clusters(self, rewards):
        llm, rewards, small = self.ask(rewards, use_coverage=False)
        assert [len(fitted_on) for fitted_on, _, _ in rewards.fits] == [12]
        assert small["condensed_reward"][:] == pytest.approx([0.9] * 4)
        first, second = (set(row["condensed_parents"]) for row in small.select([0, 1]))
        assert len(first) == len(second) == 3 and not first & second

    def test_without_heavy_regularization(self, rewards):
        self.ask(rewards, heavy_regularization=False)
        recipe = rewards.fits[0][1]
        assert (recipe.dropout, recipe.num_train_epochs, recipe.learning_rate) == (0.1, 3, 2e-5)


def test_counts_columns_and_provenance(llm, sure):
    rows = make_rows(12)
    made = CondenseLMCondenser(embedder=WordEmbedder(), llm=llm, reward_model=sure, per_class=7, subset_size=6)
    small = made.condense(rows)
    assert small["label"][:] == [0] * 7 + [1] * 7 + [2] * 7
    assert small.features["label"] == rows.features["label"]
    assert small.column_names == [*rows.column_names, *PROVENANCE, *REWARD_PROVENANCE]
    assert len(set(small["text"][:])) == 21 and small["id"][:] == [None] * 21
    labels = rows["label"][:]
    assert all(labels[i] == row["label"] for row in small for i in row["condensed_parents"])
    assert len(made.condense(total=5)) == 5
    assert made.condense(per_class=1, provenance=False).column_names == rows.column_names


def test_sizes_follow_table_3(pairs):
    from condensers.data import Columns, read_rows
    from condensers.methods.llm_config import RoundConfig
    from condensers.methods.subset_sizes import AG_NEWS, IMDB, MNLI, SST2, subset_sizes

    def sizes(texts, n_classes, **settings):
        rows = Dataset.from_dict({"text": texts, "label": [i % n_classes for i in range(len(texts))]})
        return subset_sizes(read_rows(rows, Columns(("text",), "label")), RoundConfig(**settings))

    assert sizes(["short"] * 8, 2) == SST2
    assert sizes(["short"] * 8, 4) == AG_NEWS
    assert sizes(["long " * 200] * 8, 2) == IMDB
    assert subset_sizes(read_rows(pairs, Columns(("premise", "hypothesis"), "label")), RoundConfig()) == MNLI
    assert sizes(["short"] * 8, 2, subset_size=4).condensed == 4
    with pytest.raises(SettingError, match="`condensed_size` must be at most `subset_size`, 2; got 3"):
        sizes(["short"] * 8, 2, subset_size=2, condensed_size=3)


def test_pairs_share_their_premises(pairs, sure):
    llm = ScriptedLLM()
    made = CondenseLMCondenser(
        embedder=WordEmbedder(), llm=llm, reward_model=sure, per_class=4, subset_size=5, condensed_size=2, candidates=3
    )
    small = made.condense(pairs)
    assert small.features["label"] == pairs.features["label"] and small["label"][:] == [0] * 4 + [1] * 4
    assert all(small["premise"][:]) and all(small["hypothesis"][:])
    assert small["premise"][:4] == small["premise"][4:] and len(set(small["premise"][:])) == 4
    assert [hypothesis.split()[0] for hypothesis in small["hypothesis"][:]] == ["yes"] * 4 + ["no"] * 4
    assert {schema.__name__ for _, _, schema in llm.asked} == {"Premises", "Seconds"}
    # Both texts of a row are shown, as data.
    assert "<text>a man does thing" in llm.asked[0][0][1]["content"]
    assert "</text> + <text>he " in llm.asked[0][0][1]["content"]


@pytest.mark.parametrize("form", ["lines", "single"])
def test_pairs_in_simpler_forms(pairs, sure, form):
    made = CondenseLMCondenser(
        embedder=WordEmbedder(), llm=ScriptedLLM(), reward_model=sure, per_class=3, subset_size=5, reply_format=form
    )
    small = made.condense(pairs)
    assert len(small) == 6 and all(small["premise"][:]) and all(small["hypothesis"][:])


class TestMistakes:
    def test_no_language_model(self, dataset):
        embedder = WordEmbedder()
        with pytest.raises(SettingError, match="none is set. Pass `llm=` .`--llm`.: MODEL@BASE_URL"):
            CondenseLMCondenser(embedder=embedder, per_class=1).condense(dataset)
        assert embedder.n_texts == 0

    def test_rows_without_labels(self, dataset, llm):
        with pytest.raises(SettingError, match="needs labelled rows"):
            CondenseLMCondenser(embedder=WordEmbedder(), llm=llm).condense(dataset, label=None, total=3)

    def test_three_text_columns(self, llm, sure):
        rows = Dataset.from_dict({name: list("abcd") for name in "xyz"} | {"label": [0, 1] * 2})
        with pytest.raises(ColumnError, match="one text or a pair; there are 3"):
            condenser(llm, sure, text=("x", "y", "z"), per_class=1).condense(rows)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"candidates": 0}, "`candidates` must be at least 1; got 0"),
            ({"min_coverage": 2}, "`min_coverage` must lie between -1 and 1; got 2"),
            ({"reply_format": "xml"}, "`reply_format` must be .*; got 'xml'"),
            ({"extra_rounds": -1}, "`extra_rounds` must be 0 or more"),
            ({"concurrency": 0}, "`concurrency` must be at least 1"),
            ({"llm_dtype": "int4"}, "`llm_dtype` must be one of float32, bfloat16, float16; got 'int4'"),
        ],
    )
    def test_settings_out_of_range(self, settings, said):
        with pytest.raises(SettingError, match=said):
            CondenseLMCondenser(**settings)

    def test_a_cost_without_prices(self, dataset):
        with pytest.raises(SettingError, match="needs prices: pass `input_price`"):
            CondenseLMCondenser(embedder=WordEmbedder(), llm="m@http://localhost:1/v1", max_cost=1).condense(
                dataset, per_class=1
            )

    def test_limits_beside_an_llm_object(self, dataset, llm):
        with pytest.raises(SettingError, match="belong to it"):
            CondenseLMCondenser(embedder=WordEmbedder(), llm=llm, max_requests=1).condense(dataset, per_class=1)

    def test_the_type_of_the_weights_reaches_a_model_in_process(self, tmp_path):
        tiny_lm().save_pretrained(tmp_path)
        tiny_lm_tokenizer().save_pretrained(tmp_path)
        half, full = (CondenseLMCondenser(llm=str(tmp_path), llm_dtype=dtype).llm for dtype in ("bfloat16", None))
        assert (half.llm.model.dtype, full.llm.model.dtype) == (torch.bfloat16, torch.float32)
        assert half.fingerprint != full.fingerprint

    @pytest.mark.parametrize("spec", ["m@http://localhost:1/v1", None])
    def test_a_type_of_weights_beside_what_has_its_own(self, dataset, llm, spec):
        made = CondenseLMCondenser(embedder=WordEmbedder(), llm=spec or llm, llm_dtype="bfloat16", per_class=1)
        with pytest.raises(SettingError, match=re.escape(repr(spec) if spec else "an LLM object has its own")):
            made.condense(dataset)

    def test_an_object_that_is_no_reward_model(self, dataset, llm):
        with pytest.raises(SettingError, match="`reward_model` must be a model's name"):
            condenser(llm, object()).condense(dataset)


def test_a_model_that_only_refuses_ends_in_a_clear_error(dataset, sure):
    llm = ScriptedLLM(lambda *_: Completion("", problem="refusal: no"))
    made = condenser(llm, sure, extra_rounds=1)
    with pytest.raises(BudgetError, match="0 of 2 of class 'fruit'.*in 3 rounds.*refusal 12.*costs nothing"):
        made.condense(dataset)


def test_the_method_is_one_of_the_table(dataset, llm, sure):
    made = AutoCondenser.from_method("condenselm", embedder=WordEmbedder(), llm=llm, reward_model=sure, per_class=1)
    assert len(made.condense(dataset)) == 3


def test_a_probe_as_reward_model_is_fitted_once_and_saved_with_the_condenser(dataset, llm, tmp_path, monkeypatch):
    made = condenser(llm, "probe", min_representability=0.0, min_coverage=-1.0)
    rows = made.condense(dataset)
    assert len(rows) == 2 * len(set(dataset["label"]))
    made.save_pretrained(tmp_path / "condenser")
    assert (tmp_path / "condenser" / "representability" / "model.safetensors").is_file()

    fits = []
    fit = EmbeddingProbe.fit
    monkeypatch.setattr(
        EmbeddingProbe, "fit", lambda self, rows, **given: fits.append(len(rows)) or fit(self, rows, **given)
    )
    again = CondenseLMCondenser.from_pretrained(tmp_path / "condenser", embedder=WordEmbedder(), llm=llm)
    assert again.condense(dataset)["text"][:] == rows["text"][:]
    assert fits
    assert max(fits) < len(dataset)  # the coverage model, of what is condensed so far


@pytest.mark.data
def test_sick_goes_through_the_pair_variant(shared_data, sure):
    from condensers.data import load_source

    rows = load_source(shared_data / "sick").select(range(150))
    made = CondenseLMCondenser(
        embedder=WordEmbedder(), llm=ScriptedLLM(), reward_model=sure, per_class=6, candidates=2
    )
    small = made.condense(rows)
    assert small["label"][:] == [0] * 6 + [1] * 6 + [2] * 6
    assert {name: small.features[name] for name in rows.column_names} == dict(rows.features)
    assert all(small["text_a"][:]) and all(small["text_b"][:])
    assert small["text_a"][:6] == small["text_a"][6:12] == small["text_a"][12:]
    assert (made.run_.llm["subset_size"], made.run_.llm["condensed_size"]) == (10, 5)
