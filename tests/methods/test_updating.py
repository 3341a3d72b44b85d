"""A source that grows: what must change, changes, and nothing else does."""

import numpy as np
import pytest
from conftest import make_rows
from datasets import Dataset, concatenate_datasets
from word_embedder import WordEmbedder

from condensers.errors import ColumnError, NotFittedError, RowError, SettingError
from condensers.methods import AutoCondenser, EmbeddingCondenser, HerdingCondenser, KCenterCondenser
from condensers.placement import KMeansCentroids
from condensers.selection import RandomRows

METHODS = ["herding", "facility_location", "greedy_k_center", "k_center", "random"]
WITHOUT_A_SEED = ["herding", "facility_location", "greedy_k_center"]
OLD, NEW = make_rows(per_class=20), make_rows(per_class=6, seed=1)
BOTH = concatenate_datasets([OLD, NEW])


def condensed(method, **settings):
    condenser = AutoCondenser.from_method(method, embedder=WordEmbedder(), per_class=4, **settings)
    return condenser, condenser.condense(OLD)


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethodThatKeepsRows:
    def test_what_stays_stays_in_its_place_and_each_change_is_told(self, method):
        condenser, before = condensed(method)
        update = condenser.update(NEW)
        assert update.dataset["label"][:] == before["label"][:]
        was, now = before["condensed_parents"][:], update.dataset["condensed_parents"][:]
        stayed = [a == b for a, b in zip(was, now, strict=True)]
        assert update.n_kept == sum(stayed) and update.n_changed == 12 - sum(stayed)
        told = {(c.dropped, c.added) for c in update.changes}
        assert told == {(a[0], b[0]) for a, b in zip(was, now, strict=True) if a != b}
        for (parent,), row in zip(now, update.dataset, strict=True):
            assert BOTH[parent]["text"] == row["text"] and BOTH[parent]["label"] == row["label"]
        for change in update.changes:
            assert change.is_new == (change.added >= 60)

    def test_only_new_texts_are_embedded(self, method):
        condenser, _ = condensed(method)
        condenser.embedder.n_texts = 0
        update = condenser.update(NEW)
        assert (condenser.embedder.n_texts, update.n_embedded, update.n_new) == (18, 18, 18)
        assert condenser.run_.n_embedded == 18 and condenser.run_.n_source_rows == 78

    def test_rows_that_are_there_already_change_nothing(self, method):
        condenser, before = condensed(method)
        update = condenser.update(OLD.select(range(10)))
        assert update.dataset["text"][:] == before["text"][:]
        assert (update.changes, update.n_new, update.n_embedded) == ((), 0, 0)

    def test_a_class_without_new_rows_keeps_its_rows(self, method):
        condenser, before = condensed(method)
        update = condenser.update(NEW.filter(lambda row: row["label"] == 1))
        assert {change.class_name for change in update.changes} <= {"metal"}
        assert update.dataset["text"][:4] == before["text"][:4] and update.dataset["text"][8:] == before["text"][8:]

    def test_the_condenser_holds_the_whole_source_afterwards(self, method):
        condenser, _ = condensed(method)
        condenser.update(NEW)
        whole = AutoCondenser.from_method(method, embedder=WordEmbedder(), per_class=4).condense(BOTH)
        assert sorted(condenser.condense()["text"]) == sorted(whole["text"])
        assert condenser.run_.source["path"] is None

    def test_updates_follow_each_other(self, method):
        condenser, _ = condensed(method)
        condenser.update(NEW.select(range(9)))
        update = condenser.update(NEW.select(range(9, 18)))
        assert (len(update.dataset), update.n_new) == (12, 9)
        if method in WITHOUT_A_SEED:
            whole = AutoCondenser.from_method(method, embedder=WordEmbedder(), per_class=4).condense(BOTH)
            assert sorted(update.dataset["text"]) == sorted(whole["text"])


@pytest.mark.parametrize("method", WITHOUT_A_SEED)
def test_without_a_seed_the_rows_are_those_of_the_whole_source(method):
    condenser, _ = condensed(method)
    whole = AutoCondenser.from_method(method, embedder=WordEmbedder(), per_class=4).condense(BOTH)
    assert sorted(condenser.update(NEW).dataset["text"]) == sorted(whole["text"])


def sum_of_squares(x, points):
    return float(((x[:, None] - points[None]) ** 2).sum(axis=2).min(axis=1).sum())


class TestKMeans:
    def test_it_goes_on_to_an_optimum_of_all_rows(self):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(300, 6)).astype(np.float32)
        placement = KMeansCentroids(tol=0.0)
        old = placement.place(x[:250], 8)
        renewed = placement.renew(x, old)
        owners = ((x[:, None] - renewed[None]) ** 2).sum(axis=2).argmin(axis=1)
        means = np.stack([x[owners == k].mean(axis=0) for k in range(8)])
        np.testing.assert_allclose(renewed, means, atol=1e-5)  # what Lloyd's iteration stops at
        assert sum_of_squares(x, renewed) < sum_of_squares(x, old)

    def test_similarities_speak_for_the_row_that_came(self):
        condenser, _ = condensed("k_center")
        update = condenser.update(NEW)
        assert update.changes
        for change in update.changes:
            assert change.similarity > change.former - 0.2  # the nearest row may be another point's already
        assert condenser.points_.shape == (12, 32)


class TestRandomRows:
    def test_a_uniform_sample_stays_one(self):
        """Of 10 rows of which 4 are new, each is in a sample of 3 with probability 0.3."""
        x = np.zeros((10, 1), dtype=np.float32)
        counts = np.zeros(10)
        for seed in range(4000):
            selector = RandomRows(seed=seed)
            chosen = selector.renew(x, selector.select(x[:6], 3), 6)
            assert len(set(chosen.tolist())) == 3
            counts[chosen] += 1
        # Four standard deviations of a share of 0.3 in 4,000 draws.
        np.testing.assert_allclose(counts / 4000, 0.3, atol=4 * np.sqrt(0.3 * 0.7 / 4000))

    def test_without_new_rows_nothing_is_drawn(self):
        x = np.zeros((6, 1), dtype=np.float32)
        assert RandomRows().renew(x, np.asarray([4, 1]), 6).tolist() == [4, 1]


def test_a_budget_in_shares_grows_with_the_source():
    condenser = HerdingCondenser(embedder=WordEmbedder(), fraction=0.2)
    before = condenser.condense(OLD)
    update = condenser.update(NEW)
    assert (len(before), len(update.dataset)) == (12, 16)
    assert sum(change.dropped is None for change in update.changes) == 4
    whole = HerdingCondenser(embedder=WordEmbedder(), fraction=0.2).condense(BOTH)
    assert sorted(update.dataset["text"]) == sorted(whole["text"])


def test_a_size_that_was_chosen_stays():
    condenser = HerdingCondenser(embedder=WordEmbedder(), per_class="auto")
    before = condenser.condense(OLD)
    sizing = condenser.run_.sizing
    assert len(condenser.update(NEW).dataset) == len(before)
    assert condenser.run_.sizing == sizing and condenser.config.per_class == "auto"


def test_a_new_class_is_condensed_afresh():
    two = OLD.filter(lambda row: row["label"] < 2)
    condenser = KCenterCondenser(embedder=WordEmbedder(), per_class=2)
    condenser.condense(two)
    update = condenser.update(NEW.filter(lambda row: row["label"] == 2))
    assert update.dataset["label"][:] == [0, 0, 1, 1, 2, 2]
    assert [(c.class_name, c.dropped, c.is_new) for c in update.changes] == [("bird", None, True)] * 2


class TestMistakes:
    def test_before_the_first_rows(self):
        with pytest.raises(NotFittedError, match="condensed anything yet"):
            HerdingCondenser(embedder=WordEmbedder()).update(NEW)

    def test_other_rows_that_were_read_since(self):
        condenser, _ = condensed("herding")
        condenser.fit(NEW)
        with pytest.raises(NotFittedError, match="other rows since it condensed"):
            condenser.update(OLD)

    def test_rows_that_are_written(self):
        class Echo:
            def realise(self, points, rows):
                return [f"written {i} {rows.texts[0]}" for i in range(len(points))]

        condenser = EmbeddingCondenser(realiser=Echo(), embedder=WordEmbedder(), per_class=2)
        condenser.condense(OLD)
        with pytest.raises(SettingError, match="'embedding' are written, and `update` is for rows that are kept"):
            condenser.update(NEW)

    def test_rows_that_do_not_fit_leave_the_condenser_as_it_was(self):
        condenser, before = condensed("herding")
        text = Dataset.from_dict({"text": ["a"], "label": ["wood"], "id": [1]})
        for rows, error, message in (
            (
                NEW.remove_columns("label"),
                ColumnError,
                "no column 'label'; they need those of the source: text, label",
            ),
            (NEW.select([]), RowError, "no new rows"),
            (text, ColumnError, "cannot take the types"),
        ):
            with pytest.raises(error, match=message):
                condenser.update(rows)
        assert condenser.condense().to_dict() == before.to_dict()
