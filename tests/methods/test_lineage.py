"""Who stands for whom, against the slow way."""

import numpy as np
import pytest
from conftest import make_rows

from condensers.embedding import Vectors
from condensers.errors import ColumnError, RowError
from condensers.methods import KCenterCondenser, Lineage, assign


@pytest.fixture
def lineage(embedder):
    """Two rows of each of three classes; rows 30 to 35 of the source repeat its first six."""
    rows = make_rows()
    rows = rows.select([*range(30), *range(6)])
    condenser = KCenterCondenser(embedder=embedder)
    small = condenser.condense(rows, per_class=2)
    return Lineage.trace(condenser.prepared_, small, embedder)


class TestAssignment:
    def made_up(self, seed=0):
        rng = np.random.default_rng(seed)
        x, y = (rng.normal(size=(n, 5)).astype(np.float32) for n in (40, 6))
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
        return x, rng.integers(3, size=40), y, np.asarray([0, 0, 0, 1, 1, 1])

    def test_each_row_goes_to_the_nearest_of_its_class(self):
        x, codes, y, few = self.made_up()
        found = assign(Vectors([x[:25], x[25:]]), codes, y, few)  # read block by block, as from disk
        for i in range(40):
            cosines = np.where(few == codes[i], y @ x[i], -2)
            assert found.owners[i] == (cosines.argmax() if codes[i] < 2 else -1)
            assert (
                np.isnan(found.similarity[i])
                if codes[i] == 2
                else found.similarity[i] == pytest.approx(cosines.max(), abs=1e-6)
            )
        assert found.sizes.sum() == np.sum(codes < 2)

    def test_sums_by_hand(self):
        x = np.asarray([[1, 0], [0.8, 0.6], [0, 1], [0, 1]], dtype=np.float32)
        found = assign(x, np.asarray([0, 0, 0, 1]), x[[0, 2]], np.asarray([0, 0]))
        assert found.owners.tolist() == [0, 0, 1, -1]
        assert found.sums(np.asarray([0.5, 0.25, 4.0, 100.0])).tolist() == [0.75, 4.0]
        assert found.nearest(1) == [[0], [2]] and found.nearest(9) == [[0, 1], [2]]

    @pytest.mark.parametrize("seed", range(5))
    def test_nothing_is_lost_in_a_sum(self, seed):
        x, codes, y, few = self.made_up(seed)
        values = np.random.default_rng(seed).random(40)
        found = assign(x, codes, y, few)
        assert found.sums(values).sum() == pytest.approx(values[codes < 2].sum())
        assert found.sums(np.ones(40)).tolist() == found.sizes.tolist()


class TestSourceRows:
    def test_the_first_that_is_named_stands_for_the_row(self, lineage):
        source = lineage.prepared.rows
        for number in (0, 7, 29):
            found = lineage.source_row(number)
            cosines = [c.similarity for c in found.condensed]
            assert found.text == source.texts[number] and found.class_name == ["fruit", "metal", "bird"][number % 3]
            assert cosines == sorted(cosines, reverse=True) and len(cosines) == 2
            assert {c.class_name for c in found.condensed} == {found.class_name}
            assert found.condensed[0].row == lineage.assignment.owners[number]
            assert found.n_stood_for == lineage.assignment.sizes[found.condensed[0].row]

    def test_a_kept_row_stands_for_itself_before_all_others(self, lineage):
        (parent,) = lineage.rows[4]["condensed_parents"]
        found = lineage.source_row(parent)
        assert (found.condensed[0].row, found.rank) == (4, 1)
        assert found.condensed[0].similarity == pytest.approx(1.0, abs=1e-6)

    def test_ranks_of_the_rows_that_one_stands_for_are_different_places(self, lineage):
        own = np.flatnonzero(lineage.assignment.owners == 0).tolist()
        ranks = [lineage.source_row(number).rank for number in own]
        by_cosine = np.argsort(-lineage.assignment.similarity[own]).tolist()
        assert [ranks[i] for i in by_cosine] == list(range(1, len(own) + 1))

    def test_a_row_that_was_left_out_is_told_how_to_ask(self, lineage):
        with pytest.raises(
            RowError, match="source row 31 is not among the 30 rows .* numbered 0 to 29 .* by its text"
        ):
            lineage.source_row(31)
        repeated = lineage.text(f"  {lineage.prepared.rows.texts[1].upper()} ")
        assert repeated.source_row == 1

    def test_a_class_without_condensed_rows_has_nobody(self, embedder):
        condenser = KCenterCondenser(embedder=embedder)
        small = condenser.condense(make_rows(), per_class=2)
        lineage = Lineage.trace(condenser.prepared_, small.select(range(4)), embedder)
        with pytest.raises(RowError, match="stands for source row 2: its class 'bird' has none"):
            lineage.source_row(2)


class TestTexts:
    def test_a_new_text_goes_to_the_nearest_row_of_any_class(self, lineage):
        found = lineage.text("finch robin heron", n_shown=4)
        cosines = lineage.vectors @ lineage.embedder.encode(["finch robin heron"])[0]
        assert (found.source_row, found.class_name) == (None, None)
        assert [c.row for c in found.condensed] == np.argsort(-cosines)[:4].tolist()
        own = lineage.assignment.similarity[lineage.assignment.owners == found.condensed[0].row]
        assert found.rank == 1 + np.sum(own > cosines.max())


class TestCondensedRows:
    def test_the_nearest_of_its_rows_are_named(self, lineage):
        for number in range(6):
            found = lineage.condensed_row(number, n_shown=3)
            own = np.flatnonzero(lineage.assignment.owners == number)
            assert found.n_source_rows == len(own) and found.n_class == 10
            nearest = own[np.argsort(-lineage.assignment.similarity[own])][:3].tolist()
            assert [n.row for n in found.source] == nearest
            assert [n.parent for n in found.source] == [
                n.row in lineage.rows[number]["condensed_parents"] for n in found.source
            ]
            assert found.similarity == pytest.approx(lineage.assignment.similarity[own].mean())
            assert found.provenance["method"] == "k_center" and 0 < found.provenance["similarity"] <= 1.0001

    def test_what_it_was_made_from_is_named_however_far(self, lineage, embedder):
        parents = [[29, 1]] + lineage.rows["condensed_parents"][1:]
        feature = lineage.rows.features["condensed_parents"]
        rows = lineage.rows.remove_columns("condensed_parents").add_column(
            "condensed_parents", parents, feature=feature
        )
        found = Lineage.trace(lineage.prepared, rows, embedder).condensed_row(0, n_shown=1)
        assert {n.row for n in found.source if n.parent} == {29, 1}
        assert {n.class_name for n in found.source if n.parent} == {"bird", "metal"}
        cosines = [n.similarity for n in found.source]
        assert cosines == sorted(cosines, reverse=True) and len(cosines) == 3

    def test_rows_in_other_columns(self, lineage, embedder):
        with pytest.raises(ColumnError, match="no column 'text', but label, id, .* rows in the columns of the source"):
            Lineage.trace(lineage.prepared, lineage.rows.remove_columns("text"), embedder)

    def test_numbers_that_do_not_exist(self, lineage):
        for number in (-1, 6):
            with pytest.raises(RowError, match=f"no condensed row {number}; there are 6, numbered 0 to 5"):
                lineage.condensed_row(number)
