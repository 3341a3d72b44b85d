import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from word_embedder import WordEmbedder

from condensers.embedding import cache, embed_texts
from condensers.errors import RowError, StorageError


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(cache, "SHARD_ROWS", 4)


TEXTS = [f"word{i} and word{i % 3}" for i in range(10)]


def test_the_second_run_does_no_work(embedder, tmp_path):
    first = embed_texts(TEXTS, embedder, cache_dir=tmp_path)
    assert (first.n_computed, embedder.n_texts) == (10, 10)
    second = embed_texts(TEXTS, embedder, cache_dir=tmp_path)
    assert (second.n_computed, embedder.n_texts) == (0, 10)
    np.testing.assert_array_equal(first.vectors[:], second.vectors[:])
    np.testing.assert_array_equal(first.vectors[:], WordEmbedder().encode(TEXTS))


def test_vectors_are_read_from_the_memory_map(embedder, tmp_path):
    vectors = embed_texts(TEXTS, embedder, cache_dir=tmp_path).vectors
    assert not vectors[0:4].flags.owndata
    assert not vectors[0:4].flags.writeable


def test_a_killed_run_goes_on_at_the_shard_where_it_stopped(embedder, tmp_path):
    class Dies(WordEmbedder):
        def encode(self, texts):
            if self.n_texts >= 8:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        embed_texts(TEXTS, Dies(), cache_dir=tmp_path)
    resumed = embed_texts(TEXTS, embedder, cache_dir=tmp_path)
    assert resumed.n_computed == 2
    np.testing.assert_array_equal(resumed.vectors[:], WordEmbedder().encode(TEXTS))


def test_appended_rows_leave_earlier_shards_valid(embedder, tmp_path):
    embed_texts(TEXTS[:8], embedder, cache_dir=tmp_path)
    assert embed_texts(TEXTS, embedder, cache_dir=tmp_path).n_computed == 2


def test_another_embedder_has_its_own_cache(embedder, tmp_path):
    embed_texts(TEXTS, embedder, cache_dir=tmp_path)
    assert embed_texts(TEXTS, WordEmbedder("other"), cache_dir=tmp_path).n_computed == 10


def test_where_one_text_ends_matters(embedder, tmp_path):
    embed_texts(["ab", "c"], embedder, cache_dir=tmp_path)
    assert embed_texts(["a", "bc"], embedder, cache_dir=tmp_path).n_computed == 2


def test_bad_vectors_never_reach_the_cache(tmp_path):
    class Broken(WordEmbedder):
        def encode(self, texts):
            return np.full((len(texts), 3), np.nan)

    with pytest.raises(RowError, match="NaN"):
        embed_texts(TEXTS, Broken(), cache_dir=tmp_path)
    assert not list(tmp_path.rglob("*.arrow"))


def test_a_full_disk(embedder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "_write_shard", full)
    with pytest.raises(StorageError, match="HF_DATASETS_CACHE"):
        embed_texts(TEXTS, embedder, cache_dir=tmp_path)


def test_no_texts(embedder):
    with pytest.raises(RowError, match="no texts"):
        embed_texts([], embedder)


WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from word_embedder import WordEmbedder
from condensers.embedding import cache, embed_texts
from accelerate import PartialState
cache.SHARD_ROWS = 4
state = PartialState(cpu=True)
done = embed_texts({texts!r}, WordEmbedder(), cache_dir={folder!r}, progress=False)
# A file each: what two processes print runs together.
report = f"embedded {{done.n_computed}}, sum {{float(done.vectors[:].sum()):.4f}}"
Path({folder!r}, f"rank_{{state.process_index}}.txt").write_text(report)
"""


@pytest.mark.slow
def test_two_processes_share_the_work(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(tests=str(Path(__file__).parents[1]), texts=TEXTS, folder=str(tmp_path / "cache")))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    ran = subprocess.run([*command, str(script)], capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    total = f"{float(WordEmbedder().encode(TEXTS).sum()):.4f}"
    said = [(tmp_path / "cache" / f"rank_{rank}.txt").read_text() for rank in range(2)]
    assert said == [f"embedded 6, sum {total}", f"embedded 4, sum {total}"]
