"""Texts like those of a sample: cycled, sifted, kept on disk."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm_tokenizer

from condensers.embedding import EmbeddedRows
from condensers.errors import BudgetError, RowError
from condensers.llm import SamplingSettings
from condensers.softsrv import targeted
from condensers.softsrv.generation import SoftSRVTexts, SoftSRVWriter
from condensers.softsrv.targeted import write_targeted


@pytest.fixture
def rows(embedder):
    texts = word_rows(7, seed=3)["text"][:]
    return EmbeddedRows(texts, embedder.encode(texts))


@pytest.fixture
def writer(trained):
    return SoftSRVWriter(trained, tiny_lm_tokenizer(), SamplingSettings(max_tokens=8), batch_size=4)


def test_every_text_is_kept_or_dropped_for_a_reason(writer, rows):
    found = write_targeted(writer, rows, 10, num_written=60, num_clusters=4, dim=5)
    kept = [i for i in range(60) if i not in found.dropped]
    assert sorted(found.texts) == sorted(found.written[i] for i in kept) and len(found.texts) == 10
    assert all(found.texts) and len({text.casefold() for text in found.texts}) == 10
    for text, parent in zip(found.texts, found.parents, strict=True):
        assert any(found.written[i] == text and i % 7 == parent for i in kept)
    for i, why in found.dropped.items():
        if why.startswith("it repeats text "):
            earlier = int(why.rsplit(" ", 1)[1])
            assert earlier < i and found.written[earlier].casefold() == found.written[i].casefold()


def test_rows_take_turns(writer, rows):
    """Text i is what the writer makes of row i modulo their number, with the seed of its number."""
    found = write_targeted(writer, rows, 4, num_written=20, num_clusters=2)
    sources = np.arange(20) % 7
    assert found.written == writer.write(rows.vectors[sources]).texts


def test_reasons_by_hand(writer, rows, monkeypatch):
    texts = ["apple pear", "", "plum fig", "Apple  pear", "melon grape", "lemon"]
    ends = np.array([True, True, True, True, False, True])
    monkeypatch.setattr(SoftSRVWriter, "write", lambda *args, **kwargs: SoftSRVTexts(texts, np.ones(6), ends))
    found = write_targeted(writer, rows, 3, num_clusters=1)
    assert found.dropped == {1: "it is empty", 3: "it repeats text 0", 4: "it is cut off"}
    assert sorted(found.texts) == ["apple pear", "lemon", "plum fig"]
    fewer = write_targeted(writer, rows, 2, num_written=6, num_clusters=1)
    [last] = set(fewer.dropped) - set(found.dropped)
    assert fewer.dropped[last] == "cluster 0 had no turn left"
    whole = write_targeted(writer, rows, 4, num_written=6, num_clusters=1, keep_unfinished=True)
    assert "melon grape" in whole.texts
    with pytest.raises(BudgetError, match="of 6 texts .* 3 are whole and new, fewer than the 5.*`num_written`"):
        write_targeted(writer, rows, 5, num_written=6)


def test_a_killed_run_goes_on_and_a_longer_one_writes_the_rest(writer, rows, monkeypatch):
    monkeypatch.setattr(targeted, "_SHARD_ROWS", 8)
    write, seen = SoftSRVWriter.write, []

    def counting(self, contexts, lengths, *, first_number):
        if len(seen) == 2 and dying:
            raise KeyboardInterrupt
        seen.append(first_number)
        return write(self, contexts, lengths, first_number=first_number)

    monkeypatch.setattr(SoftSRVWriter, "write", counting)
    dying = True
    with pytest.raises(KeyboardInterrupt):
        write_targeted(writer, rows, 2, num_written=24, num_clusters=2)
    dying = False
    found = write_targeted(writer, rows, 2, num_written=24, num_clusters=2)
    assert seen == [0, 8, 16]
    assert found.texts == write_targeted(writer, rows, 2, num_written=24, num_clusters=2).texts
    longer = write_targeted(replace(writer, batch_size=3), rows, 2, num_written=32, num_clusters=2)
    assert seen == [0, 8, 16, 24] and longer.written[:24] == found.written
    other = SamplingSettings(max_tokens=8, seed=1)
    assert write_targeted(replace(writer, sampling=other), rows, 2, num_written=24).written != found.written
    assert len(seen) == 7


def test_no_rows(writer, rows):
    with pytest.raises(RowError, match="no rows to write texts like"):
        write_targeted(writer, EmbeddedRows([], rows.vectors[:0]), 2)
