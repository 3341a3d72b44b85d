import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from conftest import make_rows
from datasets import ClassLabel, Dataset, List, Value
from warm_processes import WarmProcess
from word_embedder import WordEmbedder

from condensers.data import load_source
from condensers.errors import BudgetError, ColumnError, NotFittedError, RowError, SettingError, SourceNotFoundError
from condensers.methods import (
    METHODS,
    PROVENANCE,
    AutoCondenser,
    Condenser,
    EmbeddingCondenser,
    KCenterCondenser,
    PreparedSource,
    RandomCondenser,
    condenser_class,
)
from condensers.methods.llm_condenser import LLMCondenser
from condensers.placement import KMeansCentroids
from condensers.selection import Herding

# Those that have a model write rows are in test_rounds.py and test_pinr.py.
KEEPS_ROWS = sorted(
    name
    for name in METHODS
    if issubclass(condenser_class(name), EmbeddingCondenser) and not issubclass(condenser_class(name), LLMCondenser)
)


@pytest.mark.parametrize("method", KEEPS_ROWS)
class TestEveryMethodThatKeepsRows:
    def test_exact_counts_in_class_order(self, method, dataset, embedder):
        small = AutoCondenser.from_method(method, embedder=embedder).condense(dataset, per_class=3)
        assert small["label"][:] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert len(set(small["text"][:])) == 9

    def test_columns_features_and_provenance(self, method, dataset, embedder):
        small = AutoCondenser.from_method(method, embedder=embedder).condense(dataset, per_class=2)
        assert small.features["label"] == ClassLabel(names=["fruit", "metal", "bird"])
        assert small.column_names == [*dataset.column_names, *PROVENANCE]
        assert small.features["condensed_parents"] == List(Value("int64"))
        for row in small:
            (parent,) = row["condensed_parents"]
            assert dataset[parent]["text"] == row["text"]
            assert dataset[parent]["id"] == row["id"]
            assert row["condensed_method"] == method
        sizes = np.array(small["condensed_cluster_size"][:]).reshape(3, 2)
        assert (sizes.sum(axis=1) == 12).all()

    def test_same_seed_same_rows(self, method, dataset, embedder):
        first = AutoCondenser.from_method(method, embedder=embedder).condense(dataset, per_class=4, seed=3)
        again = AutoCondenser.from_method(method, embedder=WordEmbedder()).condense(dataset, per_class=4, seed=3)
        assert first.to_dict() == again.to_dict()

    def test_saved_and_loaded_it_gives_the_same_rows(self, method, dataset, embedder, tmp_path):
        dataset.to_parquet(tmp_path / "rows.parquet")
        condenser = AutoCondenser.from_method(method, embedder=embedder, per_class=2, seed=5)
        rows = condenser.condense(tmp_path / "rows.parquet")
        condenser.save_pretrained(tmp_path / "saved")
        assert sorted(p.name for p in (tmp_path / "saved").iterdir()) == ["README.md", "condenser_config.json"]
        loaded = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder())
        assert type(loaded) is condenser_class(method)
        assert loaded.config == condenser.config
        assert loaded.condense().to_dict() == rows.to_dict()
        assert len(loaded.condense(per_class=5)) == 15


def test_no_provenance(dataset, embedder):
    small = RandomCondenser(embedder=embedder).condense(dataset, per_class=1, provenance=False)
    assert small.features == dataset.features


def test_the_seed_changes_a_random_method(dataset, embedder):
    condenser = RandomCondenser(embedder=embedder)
    rows = [condenser.condense(dataset, per_class=5, seed=seed)["id"][:] for seed in (0, 1)]
    assert rows[0] != rows[1]


def test_classes_draw_independently(embedder):
    small = RandomCondenser(embedder=embedder).condense(make_rows(per_class=50), per_class=5)
    places = np.array(small["id"][:]).reshape(3, 5) // 3
    assert len({tuple(row) for row in places.tolist()}) == 3


def test_k_center_is_k_means_and_nearest_rows(dataset, embedder):
    small = EmbeddingCondenser(placement=KMeansCentroids(), embedder=embedder).condense(dataset, per_class=3)
    assert small["id"][:] == KCenterCondenser(embedder=embedder).condense(dataset, per_class=3)["id"][:]
    assert 0 < min(small["condensed_similarity"][:]) and max(small["condensed_similarity"][:]) <= 1.0001


def test_total_and_fraction(embedder):
    rows = make_rows(per_class=10).select(range(0, 25))
    assert len(RandomCondenser(embedder=embedder).condense(rows, total=7)) == 7
    assert len(RandomCondenser(embedder=embedder).condense(rows, fraction=0.4)) == 10


def test_a_new_budget_replaces_the_old_one(dataset, embedder):
    condenser = RandomCondenser(embedder=embedder, per_class=2)
    assert len(condenser.condense(dataset)) == 6
    assert len(condenser.condense(total=4)) == 4


def test_unlabelled_rows(dataset, embedder):
    small = KCenterCondenser(embedder=embedder).condense(dataset, label=None, total=5)
    assert len(small) == 5
    assert small.features["label"] == dataset.features["label"]


def test_pairs(embedder):
    pairs = Dataset.from_dict(
        {"premise": [f"a{i} b" for i in range(8)], "hypothesis": [f"c{i}" for i in range(8)], "label": [0, 1] * 4}
    )
    small = KCenterCondenser(embedder=embedder).condense(pairs, per_class=2)
    assert all(p.split()[0][1:] == h[1:] for p, h in zip(small["premise"][:], small["hypothesis"][:], strict=True))


def test_a_realiser_that_writes(dataset, embedder):
    class Echo:
        def realise(self, points, rows):
            return [f"written {i} {rows.texts[0]}" for i in range(len(points))]

    small = EmbeddingCondenser(realiser=Echo(), embedder=embedder).condense(dataset, per_class=2)
    assert small.features["label"] == dataset.features["label"]
    assert small["label"][:] == [0, 0, 1, 1, 2, 2]
    assert all(text.startswith("written ") for text in small["text"][:])
    assert small["id"][:] == [None] * 6


def test_written_pairs_are_split_again(embedder):
    class Echo:
        def realise(self, points, rows):
            return [rows.texts[0].upper().replace("X", "Y") for _ in points]

    pairs = Dataset.from_dict({"question": ["q1 x", "q2"], "answer": ["a1", "a2"]})
    small = EmbeddingCondenser(realiser=Echo(), embedder=embedder).condense(pairs, total=1)
    assert (small["question"][:], small["answer"][:]) == (["Q1 Y"], ["A1"])


def test_duplicates_are_counted_and_never_chosen_twice(embedder):
    rows = Dataset.from_dict({"text": ["a b"] * 5 + ["a c", "d"], "label": [0] * 6 + [1]})
    condenser = RandomCondenser(embedder=embedder)
    with pytest.raises(BudgetError, match="size of class '1'; got 2"):
        condenser.condense(rows, per_class=2)
    small = condenser.condense(rows, per_class=2, allow_fewer=True)
    assert sorted(small["text"][:]) == ["a b", "a c", "d"]
    assert condenser.run_.n_duplicates == 4
    assert condenser.run_.n_source_rows == 7


def test_the_record_says_what_was_done(dataset, embedder):
    condenser = KCenterCondenser(embedder=embedder)
    condenser.condense(dataset, per_class=2, seed=4)
    run = condenser.run_
    assert run.class_counts == {"fruit": 2, "metal": 2, "bird": 2}
    assert (run.n_rows, run.n_source_rows, run.n_embedded) == (6, 36, 36)
    assert run.settings["seed"] == 4
    assert run.settings["text"] == ("text",)
    assert run.components["placement"]["type"] == "KMeansCentroids"
    assert json.loads(json.dumps(run.to_json()))["method"] == "k_center"
    condenser.condense(per_class=1)
    assert condenser.run_.n_embedded == 36  # still the pass that filled the cache: nothing was read again
    assert embedder.n_texts == 36


def test_rows_prepared_once_serve_several_methods(dataset, embedder):
    first = KCenterCondenser(embedder=embedder).fit(dataset)
    prepared = first.prepared_
    assert isinstance(prepared, PreparedSource)
    second = RandomCondenser(embedder=embedder).condense(prepared, per_class=2)
    assert second["id"][:] == RandomCondenser(embedder=embedder).condense(dataset, per_class=2)["id"][:]


class TestMap:
    def test_the_transform_equals_condense(self, dataset, embedder):
        condenser = KCenterCondenser(embedder=embedder, per_class=3, seed=1)
        mapped = dataset.map(condenser, batched=True, batch_size=None, remove_columns=dataset.column_names)
        expected = KCenterCondenser(embedder=embedder, per_class=3, seed=1).condense(dataset)
        assert mapped.to_dict() == expected.to_dict()
        assert mapped.features["label"] == dataset.features["label"]
        assert condenser.run_.n_rows == 9

    def test_running_does_not_change_the_fingerprint(self, dataset, embedder):
        from datasets.fingerprint import Hasher

        condenser = KCenterCondenser(embedder=embedder, per_class=3)
        before = Hasher.hash(condenser)
        dataset.map(condenser, batched=True, batch_size=None, remove_columns=dataset.column_names)
        assert Hasher.hash(condenser) == before
        assert Hasher.hash(KCenterCondenser(embedder=embedder, per_class=4)) != before

    @pytest.mark.models
    @pytest.mark.slow
    def test_a_second_map_in_a_new_process_is_a_cache_hit(self, dataset, tmp_path):
        dataset.to_parquet(tmp_path / "rows.parquet")
        script = (
            "import sys, datasets\n"
            "from condensers import KCenterCondenser\n"
            "datasets.disable_progress_bars()\n"
            "rows = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train')\n"
            "condenser = KCenterCondenser(embedder='offline', per_class=2)\n"
            "small = rows.map(condenser, batched=True, batch_size=None, remove_columns=rows.column_names)\n"
            "print(small['id'][:], 'computed' if condenser._run else 'from the cache')\n"
        )
        first = WarmProcess(script, tmp_path / "rows.parquet", folder=tmp_path).finish().strip()
        second = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "rows.parquet")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "HF_DATASETS_CACHE": str(tmp_path / "cache")},
        ).stdout.strip()
        assert first.endswith("computed")
        assert second.endswith("from the cache")
        assert first.split("]")[0] == second.split("]")[0]


class TestMistakes:
    def test_no_budget(self, dataset, embedder):
        with pytest.raises(BudgetError, match="exactly one"):
            RandomCondenser(embedder=embedder).condense(dataset)
        assert embedder.n_texts == 0

    def test_nothing_to_condense(self, embedder):
        for attribute in ("run_", "prepared_"):
            with pytest.raises(NotFittedError, match="yet"):
                getattr(RandomCondenser(embedder=embedder), attribute)
        with pytest.raises(NotFittedError, match="pass one to `condense`"):
            RandomCondenser(embedder=embedder).condense(per_class=1)

    def test_unknown_names(self, embedder):
        with pytest.raises(SettingError, match="unknown setting.*per_clas;"):
            RandomCondenser(embedder=embedder, per_clas=1)
        with pytest.raises(SettingError, match="no method 'kcenter'; choose one of .*k_center"):
            AutoCondenser.from_method("kcenter")

    def test_columns_and_rows(self, dataset, embedder):
        condenser = RandomCondenser(embedder=embedder)
        with pytest.raises(ColumnError, match="no column 'body'"):
            condenser.condense(dataset, text="body", per_class=1)
        with pytest.raises(RowError, match="dataset is empty"):
            RandomCondenser(embedder=embedder).condense(dataset.select([]), per_class=1)

    def test_a_folder_that_holds_no_condenser(self, tmp_path):
        with pytest.raises(SourceNotFoundError, match="condenser_config.json is missing"):
            AutoCondenser.from_pretrained(tmp_path)

    def test_broken_configs(self, tmp_path, embedder):
        path = tmp_path / "condenser_config.json"
        for text, message in [
            ("{", "not valid JSON"),
            ("{}", "names no `condenser_type`"),
            ('{"condenser_type": "magic"}', "no method 'magic'"),
            ('{"condenser_type": "k_center", "settings": {"speed": 1}}', "unknown setting.*speed"),
            ('{"condenser_type": "k_center", "components": {"placement": {"type": "os.system"}}}', "unknown part"),
            ('{"condenser_type": "k_center", "components": {"placement": {"type": "Herding", "x": 1}}}', "no setting"),
        ]:
            path.write_text(text)
            with pytest.raises(SettingError, match=message):
                AutoCondenser.from_pretrained(tmp_path)

    def test_the_wrong_class(self, tmp_path, embedder):
        RandomCondenser(embedder=embedder).save_pretrained(tmp_path)
        with pytest.raises(SettingError, match="type 'random', not 'k_center'.*AutoCondenser"):
            KCenterCondenser.from_pretrained(tmp_path)

    def test_a_part_that_cannot_be_saved(self, tmp_path, embedder):
        class Mine:
            def place(self, x, n):
                return x[:n]

        with pytest.raises(SettingError, match="part Mine cannot be saved"):
            EmbeddingCondenser(placement=Mine(), embedder=embedder).save_pretrained(tmp_path)

    def test_parts_without_their_methods(self, embedder):
        with pytest.raises(SettingError, match="`place`, `select`, `place_by_class` or `select_by_class`"):
            EmbeddingCondenser(placement=object(), embedder=embedder)
        with pytest.raises(SettingError, match="`realise`"):
            EmbeddingCondenser(realiser=Herding(), embedder=embedder)


def test_the_card_validates_and_holds_no_rows(dataset, embedder, tmp_path):
    from huggingface_hub import ModelCard

    condenser = KCenterCondenser(embedder=embedder)
    condenser.condense(dataset, per_class=2)
    condenser.save_pretrained(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "condensers"
    assert "k_center" in card.data.tags
    saved = "".join(path.read_text() for path in Path(tmp_path).iterdir())
    assert not any(text in saved for text in dataset["text"][:])
    assert asdict(condenser.config)["seed"] == 0


def test_a_subclass_needs_only_the_hook(dataset, embedder):
    from condensers.methods import Condensed

    class FirstRows(Condenser):
        condenser_type = "first"

        def _condense(self, prepared, shares):
            positions = np.concatenate([p[: shares[code]] for code, p in prepared.rows.by_class()])
            n = len(positions)
            return Condensed(
                texts=[prepared.rows.texts[i] for i in positions],
                codes=prepared.rows.codes[positions],
                similarity=np.ones(n, np.float32),
                parents=[[int(i)] for i in positions],
                cluster_size=np.ones(n, np.int64),
                positions=positions,
            )

    assert FirstRows(embedder=embedder).condense(dataset, per_class=1)["id"][:] == [0, 1, 2]


@pytest.mark.data
@pytest.mark.models
@pytest.mark.slow
def test_real_rows_twice(shared_data):
    rows = load_source(shared_data / "tweet_irony").select(range(300))
    first = KCenterCondenser(embedder="offline").condense(rows, per_class=5)
    again = KCenterCondenser(embedder="offline")
    assert again.condense(rows, per_class=5).to_dict() == first.to_dict()
    assert again.run_.n_embedded == 0
