"""The lineage of a folder is that of the run that made it, or there is none."""

from dataclasses import replace

import pytest
from conftest import make_rows
from word_embedder import WordEmbedder

from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.hub import load_lineage, save_condensed
from condensers.methods import HerdingCondenser, Lineage


@pytest.fixture
def folder(tmp_path, embedder):
    make_rows().to_parquet(tmp_path / "source.parquet")
    condenser = HerdingCondenser(embedder=embedder)
    small = condenser.condense(tmp_path / "source.parquet", per_class=2)
    return save_condensed(small, tmp_path / "few", condenser.run_), condenser, small


def test_a_folder_has_the_lineage_of_its_run(folder, embedder):
    path, condenser, small = folder
    found, ours = load_lineage(path, embedder=embedder), Lineage.trace(condenser.prepared_, small, embedder)
    assert found.source_row(17) == ours.source_row(17)
    assert found.condensed_row(3) == ours.condensed_row(3)


def test_a_source_that_has_moved_is_asked_for_and_can_be_named(folder, embedder, tmp_path):
    path, condenser, small = folder
    (tmp_path / "source.parquet").rename(tmp_path / "moved.parquet")
    with pytest.raises(SourceNotFoundError, match="not at hand .*source.parquet.*--source"):
        load_lineage(path, embedder=embedder)
    assert load_lineage(path, source=tmp_path / "moved.parquet", embedder=embedder).source_row(5).source_row == 5


def test_rows_in_memory_must_be_passed(embedder, tmp_path):
    condenser = HerdingCondenser(embedder=embedder)
    path = save_condensed(condenser.condense(make_rows(), per_class=2), tmp_path / "few", condenser.run_)
    with pytest.raises(SourceNotFoundError, match="a dataset in memory"):
        load_lineage(path, embedder=embedder)
    assert load_lineage(path, source=make_rows(), embedder=embedder).condensed_row(0).class_name == "fruit"


def test_other_rows_than_those_that_were_condensed_are_refused(folder, embedder):
    with pytest.raises(RowError, match="other rows than those that were condensed: its digest is"):
        load_lineage(folder[0], source=make_rows(seed=1), embedder=embedder)


def test_another_embedder_is_refused(folder):
    with pytest.raises(SettingError, match="embedded with 'words' of fingerprint"):
        load_lineage(folder[0], embedder=WordEmbedder("other"))


def test_a_private_run_tells_nothing_of_its_source(folder, embedder, tmp_path):
    _, condenser, small = folder
    private = replace(condenser.run_, privacy={"withheld": True, "statement": "private"})
    path = save_condensed(small, tmp_path / "private", private)
    with pytest.raises(SettingError, match="would tell of those"):
        load_lineage(path, embedder=embedder)
