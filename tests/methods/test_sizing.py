"""``per_class="auto"``: measured on held-out training rows, recorded, and settled anew for other rows."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_rows
from datasets import Dataset

from condensers.errors import BudgetError, SettingError
from condensers.hub import load_condensed, save_condensed
from condensers.methods import AutoCondenser, EmbeddingCondenser, HerdingCondenser, KCenterCondenser
from condensers.methods.sizing import measure_budgets, split_rows


@pytest.fixture
def prepared(embedder):
    return KCenterCondenser(embedder=embedder).fit(make_rows(per_class=30)).prepared_


class TestSplits:
    def test_parts_are_apart_and_each_has_every_class(self, prepared):
        for seed in range(3):
            train, held_out = split_rows(prepared, seed)
            assert train.rows.class_counts == {0: 24, 1: 24, 2: 24}
            assert held_out.rows.class_counts == {0: 6, 1: 6, 2: 6}
            assert not set(train.rows.texts) & set(held_out.rows.texts)
            texts = prepared.rows.texts
            for part in (train, held_out):
                where = [texts.index(text) for text in part.rows.texts]
                np.testing.assert_array_equal(part.vectors[:], prepared.vectors[np.asarray(where)])
                assert part.rows.source_index.tolist() == where

    def test_the_seed_draws_them(self, prepared):
        held = [split_rows(prepared, seed)[1].rows.texts for seed in (0, 0, 1)]
        assert held[0] == held[1] != held[2]

    def test_large_sources_are_sampled(self, prepared, monkeypatch):
        monkeypatch.setattr("condensers.methods.sizing._MAX_HELD_OUT", 9)
        monkeypatch.setattr("condensers.methods.sizing._MAX_TRAIN", 45)
        train, held_out = split_rows(prepared, 0)
        assert (len(train.rows), len(held_out.rows)) == (45, 9)


class TestMeasuring:
    def test_each_size_is_scored_once_a_seed_on_its_split(self, prepared):
        asked = []

        def score(train, held_out, n, seed):
            asked.append((n, seed, len(train.rows), len(held_out.rows)))
            return n / 100 + seed / 1000

        curve = measure_budgets(prepared, score, method="m", judge="j", sizes=[8, 2, 4], n_seeds=2)
        assert asked == [(n, seed, 72, 18) for seed in (0, 1) for n in (2, 4, 8)]
        assert [(p.per_class, p.accuracy) for p in curve.points] == [
            (n, (n / 100, pytest.approx(n / 100 + 0.001))) for n in (2, 4, 8)
        ]

    def test_sizes_go_as_far_as_the_smallest_class(self, prepared):
        curve = measure_budgets(prepared, lambda *_: 0.5, method="m", judge="j", n_seeds=1)
        assert [p.per_class for p in curve.points] == [1, 2, 5, 10, 20]

    def test_what_cannot_be_measured(self, prepared, embedder):
        def measure(rows=prepared, **settings):
            return measure_budgets(rows, lambda *_: 0.5, method="m", judge="j", **settings)

        for sizes in ([1, 2], [1, 2, 2], [0, 1, 2], [5, 10, 25]):
            with pytest.raises(BudgetError, match="three sizes at least, of 1 to 24 rows a class"):
                measure(sizes=sizes)
        few = KCenterCondenser(embedder=embedder).fit(make_rows(per_class=3)).prepared_
        with pytest.raises(BudgetError, match="of 1 to 2 rows a class"):
            measure(few)
        with pytest.raises(BudgetError, match="have no labels"):
            measure(KCenterCondenser(embedder=embedder).fit(make_rows(), label=None).prepared_)
        for wrong in ({"n_seeds": 0}, {"tolerance": 0.0}, {"tolerance": 1.0}):
            with pytest.raises(SettingError, match="`n_seeds` must be at least 1"):
                measure(**wrong)


class TestAuto:
    @pytest.mark.parametrize("method", ["herding", "k_center", "random"])
    def test_the_rows_are_those_of_the_number_that_was_chosen(self, method, embedder):
        rows = make_rows(per_class=20)
        condenser = AutoCondenser.from_method(method, embedder=embedder, per_class="auto")
        small = condenser.condense(rows)
        sizing = condenser.run_.sizing
        assert len(small) == 3 * sizing["chosen"] and condenser.run_.settings["per_class"] == sizing["chosen"]
        assert (sizing["method"], sizing["judge"]) == (method, "linear_probe")
        assert (
            small.to_dict()
            == AutoCondenser.from_method(method, embedder=embedder, per_class=sizing["chosen"])
            .condense(rows)
            .to_dict()
        )
        assert condenser.config.per_class == "auto"

    def test_the_size_follows_the_rows(self, embedder):
        """Words tell the classes apart: rows whose labels mean nothing gain nothing by more of them."""
        rows = make_rows(per_class=40)
        condenser = HerdingCondenser(embedder=embedder, per_class="auto")
        condenser.condense(rows)
        clear = condenser.run_.sizing
        assert clear["points"][-1]["accuracy"][0] > 0.8
        shuffled = np.random.default_rng(0).permutation(rows["label"][:]).tolist()
        noise = Dataset.from_dict({"text": rows["text"][:], "label": shuffled}).cast(
            rows.select_columns(["text", "label"]).features
        )
        condenser.condense(noise)
        assert np.mean(condenser.run_.sizing["points"][-1]["accuracy"]) < 0.6

    def test_what_writes_rows_is_sized_by_k_center(self, embedder):
        class Echo:
            def realise(self, points, rows):
                return [f"written {i} {rows.texts[0]}" for i in range(len(points))]

        condenser = EmbeddingCondenser(realiser=Echo(), embedder=embedder, per_class="auto")
        assert len(condenser.condense(make_rows(per_class=20))) == 3 * condenser.run_.sizing["chosen"]
        assert condenser.run_.sizing["method"] == "k_center"

    def test_the_record_and_the_card_say_why(self, embedder, tmp_path):
        condenser = KCenterCondenser(embedder=embedder, per_class="auto")
        small = condenser.condense(make_rows(per_class=20))
        folder = save_condensed(small, tmp_path / "few", condenser.run_)
        assert load_condensed(folder)[1].sizing == condenser.run_.sizing
        card = (folder / "README.md").read_text(encoding="utf-8")
        reason = condenser.run_.sizing["reason"]
        assert f"| how it was chosen | {reason} (`linear_probe` on rows of `k_center`, 5 splits" in card
        assert f"per_class={condenser.run_.sizing['chosen']}," in card
        given = replace(condenser.run_, sizing=None)
        assert "how it was chosen" not in (save_condensed(small, tmp_path / "other", given) / "README.md").read_text()

    def test_it_is_saved_as_it_was_given(self, embedder, tmp_path):
        KCenterCondenser(embedder=embedder, per_class="auto").save_pretrained(tmp_path)
        assert AutoCondenser.from_pretrained(tmp_path).config.per_class == "auto"

    def test_mistakes(self, embedder):
        with pytest.raises(BudgetError, match="exactly one"):
            KCenterCondenser(embedder=embedder).condense(make_rows(), per_class="auto", total=3)
        with pytest.raises(BudgetError, match="no labels"):
            KCenterCondenser(embedder=embedder).condense(make_rows(), per_class="auto", label=None)
        with pytest.raises(BudgetError, match="'prompt_template' writes as many rows as are asked for"):
            AutoCondenser.from_method(
                "prompt_template", embedder=embedder, llm="m@http://x/v1", per_class="auto"
            ).condense(make_rows())
        with pytest.raises(SettingError, match="`per_class='auto'` would measure on them"):
            AutoCondenser.from_method(
                "aug_pe",
                embedder=embedder,
                llm="m@http://x/v1",
                per_class="auto",
                epsilon=4.0,
                delta=1e-6,
                dedup="none",
            ).check_settings()


def test_an_estimate_wants_a_number(embedder):
    condenser = AutoCondenser.from_method("few_shot", llm="some-model@http://127.0.0.1:9/v1", embedder=embedder)
    with pytest.raises(BudgetError, match="condensers budget"):
        condenser.estimate(make_rows(per_class=3), per_class="auto")
    assert embedder.n_texts == 0
