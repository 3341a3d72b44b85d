"""Augmented private evolution: by hand, killed and resumed, and what of the real rows may show."""

import json
import re
import sys

import numpy as np
import pytest
from conftest import make_rows
from datasets import ClassLabel, Dataset
from methods.scripted import ScriptedLLM, asked_in, word
from warm_processes import WarmProcess
from word_embedder import WordEmbedder

from condensers.errors import BudgetError, MissingDependencyError, SettingError
from condensers.evaluation import MethodResult
from condensers.hub import save_condensed
from condensers.llm import Completion, OpenAIChat, SpendingLimits, Usage
from condensers.llm.testing import FakeServer
from condensers.methods import PROVENANCE, REWARD_PROVENANCE, AutoCondenser, KCenterCondenser
from condensers.methods.aug_pe import AugPECondenser
from condensers.methods.evolution import VoteRelease
from condensers.report import write_report

PRIVATE = {"epsilon": 4.0, "delta": 1e-5}
LABEL = re.compile(r"<label>(.*?)</label>")


def reply(messages, sample, schema=None):
    asked = asked_in(messages)
    if "Name " in asked:
        return "\n".join(f"{i}. subject {i}" for i in range(4))
    unique = word(json.dumps(messages), sample)
    if "Reply with Q and A" in asked:
        return f"Q: what is {unique}?\nA: it is {unique}"
    if "Reply with premise and hypothesis" in asked:
        return f"premise: a {unique}\nhypothesis: b {unique}"
    return f"{(LABEL.findall(asked) or ['thing'])[0]} {unique}"


def condenser(llm=None, embedder=None, **settings):
    defaults = {"per_class": 2, "iterations": 3, "variations": 2, "initial": 2, "topic": "short texts"}
    return AugPECondenser(
        embedder=embedder or WordEmbedder(), llm=llm or ScriptedLLM(reply), **{**defaults, **settings}
    )


class Angles(WordEmbedder):
    """Puts a text that ends with a number at that angle, in degrees."""

    def encode(self, texts):
        angles = np.deg2rad([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_algorithm_by_hand():
    rows = Dataset.from_dict({"text": [f"real {a}" for a in (0, 12, 20, 80, 90)]})
    versions = {"first 45": "second 60", "first 5": "second 16", "second 16": "third 85"}
    firsts = iter(["first 45", "first 5", "first 88"])

    def scripted(messages, sample, schema):
        asked = asked_in(messages)
        if "Name " in asked:
            return "anything"
        shown = re.findall(r"<text>(.*?)</text>", asked)
        return versions[shown[0]] if shown else next(firsts)

    made = condenser(
        ScriptedLLM(scripted), Angles(), per_class=None, total=1, initial=3, variations=1, iterations=3, words=2
    )
    small = made.condense(rows, label=None)
    # First vote: 0, 12 and 20 are nearest to 5, the others to 88: votes 0, 3, 2. Second: 5 and its version 16 share
    # the rows, 0 to 5 and four to 16. Third: 16 keeps 0, 12 and 20 and loses 80 and 90 to 85.
    log = made.run_.llm["rounds"]
    assert [entry["votes_kept"] for entry in log] == [3, 4, 3]
    assert [entry["texts"] for entry in log] == [3, 2, 2] and [entry["new_kept"] for entry in log] == [1, 1, 0]
    assert small["text"][:] == ["second 16"]
    assert small["condensed_reward"][:] == [3] and small["condensed_round"][:] == [2]
    # The nearest real row is at 12 or 20, both four degrees away; the row stands for all five.
    assert small["condensed_similarity"][0] == pytest.approx(np.cos(np.deg2rad(4)), abs=1e-5)
    assert small["condensed_parents"][0] in ([1], [2]) and small["condensed_cluster_size"][:] == [5]


def test_a_threshold_takes_votes_off_and_ties_go_to_the_first():
    rows = Dataset.from_dict({"text": [f"real {a}" for a in (0, 1, 2, 80, 90)]})
    firsts = iter(["first 85", "first 1"])
    made = condenser(
        ScriptedLLM(lambda m, *_: "x" if "Name " in asked_in(m) else next(firsts)),
        Angles(),
        per_class=None,
        total=2,
        initial=1,
        iterations=1,
        vote_threshold=2.0,
    )
    small = made.condense(rows, label=None)
    assert (small["text"][:], small["condensed_reward"][:]) == (["first 1", "first 85"], [1, 0])


def test_exact_counts_in_class_order_and_no_copies(dataset):
    made = condenser(per_class=4)
    small = made.condense(dataset)
    assert small["label"][:] == [0] * 4 + [1] * 4 + [2] * 4
    assert len(set(small["text"][:])) == 12 and not set(small["text"][:]) & set(dataset["text"][:])
    assert small.column_names == [*dataset.column_names, *PROVENANCE, *REWARD_PROVENANCE]
    names = small.features["label"]
    assert all(row["text"].startswith(names.int2str(row["label"])) for row in small)
    assert sum(small["condensed_cluster_size"][:]) == len(dataset)
    for row in small:
        (parent,) = row["condensed_parents"]
        assert dataset[parent]["label"] == row["label"]
    record = made.run_
    assert record.privacy["statement"] == "No privacy guarantee: real rows voted without noise."
    assert record.n_source_rows == len(dataset) and record.llm["usage"]["requests"] == 3 + 3 * (8 + 2 * 8)


def test_where_all_texts_are_kept_their_votes_sum_to_the_rows(dataset):
    small = condenser(per_class=5, initial=1, iterations=1).condense(dataset)
    assert np.reshape(small["condensed_reward"][:], (3, 5)).sum(axis=1).tolist() == [12, 12, 12]


def test_no_real_row_is_shown_to_the_model(dataset):
    llm = ScriptedLLM(reply)
    condenser(llm).condense(dataset)
    said = json.dumps([messages for messages, _, _ in llm.asked])
    assert not any(text in said for text in dataset["text"][:])


def test_pairs_and_questions(pairs):
    small = condenser(per_class=2).condense(pairs)
    assert small["label"][:] == [0, 0, 1, 1]
    assert all(small["premise"][:]) and all(small["hypothesis"][:])
    qa = Dataset.from_dict({"question": [f"why {i}?" for i in range(6)], "answer": [f"since {i}" for i in range(6)]})
    small = condenser(per_class=None, total=3).condense(qa)
    assert len(set(small["question"][:])) == 3 and all(text.startswith("it is") for text in small["answer"][:])


def test_rows_without_labels_need_a_topic(dataset):
    with pytest.raises(SettingError, match="say what they are with `topic=`"):
        condenser(topic=None, per_class=None, total=3).condense(dataset, label=None)
    assert len(condenser(per_class=None, total=3).condense(dataset, label=None)) == 3


def test_unusable_first_texts_are_made_up_for(dataset):
    def refusing(messages, sample, schema):
        text = reply(messages, sample, schema)
        refuses = int(word(text), 16) % 2 and "Name " not in str(messages)
        return Completion("", problem="refusal: no") if refuses else text

    made = condenser(ScriptedLLM(refusing), per_class=4, initial=1, iterations=2)
    assert made.condense(dataset)["label"][:] == [0] * 4 + [1] * 4 + [2] * 4
    assert made.run_.llm["events"]["unusable"]["refusal"] > 0
    always = ScriptedLLM(lambda *_: Completion("", problem="refusal: no"), name="always refuses")
    with pytest.raises(BudgetError, match="0 of 2 of class 'fruit'.*refusal.*costs nothing again"):
        condenser(always, extra_rounds=1).condense(dataset)


@pytest.mark.parametrize("n_requests", [9, 20])  # in the midst of the first texts, and of their versions
def test_a_limit_ends_the_run_with_what_there_is(dataset, n_requests):
    with FakeServer(lambda request: reply(request.body["messages"], request.body["seed"])) as server:
        usage = Usage(limits=SpendingLimits(max_requests=n_requests))
        made = condenser(OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage))
        small = made.condense(dataset)
        assert server.n_requests == n_requests
    # 3 chats on subjects come first, then 4 first texts a class, then versions of two of them.
    assert small["label"][:] == ([0, 0, 1, 1] if n_requests == 9 else [0, 0, 1, 1, 2, 2])
    assert len(made.run_.llm["rounds"]) == (1 if n_requests == 9 else 2)


def test_a_limit_before_the_first_text_is_an_error(dataset):
    with FakeServer() as server:
        usage = Usage(limits=SpendingLimits(max_requests=2))
        with pytest.raises(BudgetError, match="max_requests=2 was reached before a text was written"):
            condenser(OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage)).condense(dataset)


@pytest.mark.parametrize("privacy", [{}, PRIVATE])
def test_a_second_run_asks_nothing_and_gives_the_same(dataset, tmp_path, privacy):
    def unreliable(messages, sample, schema):
        text = reply(messages, sample, schema)
        return Completion("", problem="refusal: no") if int(word(text), 16) % 3 == 0 else text

    runs = []
    for _ in range(2):
        llm = ScriptedLLM(unreliable)
        small = condenser(llm.cached(tmp_path / "replies.sqlite"), **privacy).condense(dataset)
        runs.append((small.to_dict(), len(llm.asked)))
        assert max(llm.times_asked.values(), default=1) == 1
    assert runs[0][0] == runs[1][0] and runs[0][1] > 0 and runs[1][1] == 0


CHILD = """
import sys
from conftest import make_rows
from word_embedder import WordEmbedder
from condensers.llm import OpenAIChat
from condensers.methods.aug_pe import AugPECondenser
llm = OpenAIChat("fake", sys.argv[1], max_concurrency=1)
settings = {"per_class": 2, "iterations": 3, "variations": 2, "initial": 2, "epsilon": 4.0, "delta": 1e-5}
AugPECondenser(embedder=WordEmbedder(), llm=llm, **settings).condense(make_rows(12))
"""


def test_killed_and_resumed_it_asks_and_releases_nothing_twice(tmp_path, dataset, monkeypatch):
    import datasets

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    cache = tmp_path / "cache"
    with FakeServer(lambda request: reply(request.body["messages"], request.body["seed"]), delay=0.02) as server:
        child = WarmProcess(CHILD, server.base_url, folder=tmp_path, environment={"HF_DATASETS_CACHE": cache})
        # 3 chats on subjects, 12 first texts: by request 20 the first votes are released.
        child.kill_once(lambda: server.n_requests >= 20)
        votes = cache / "condensers" / "votes"
        released = {path: path.read_text() for path in votes.rglob("*.json")}
        assert 20 <= server.n_requests < 39 and len(released) == 1
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)

        def run():
            llm = OpenAIChat("fake", server.base_url, max_concurrency=1)
            made = AugPECondenser(
                embedder=WordEmbedder(), llm=llm, per_class=2, iterations=3, variations=2, initial=2, **PRIVATE
            )
            return made.condense(make_rows(12)).to_dict()

        rows = run()
        # What was under way when the process died may be asked for once more; no reply that arrived is.
        assert server.n_requests <= 3 + 12 + 2 * 12 + 1
        assert len(rows["text"]) == 6
        for path, text in released.items():
            assert path.read_text() == text
        assert len(list(votes.rglob("*.json"))) == 3
        n = server.n_requests
        assert run() == rows and server.n_requests == n


class TestPrivacy:
    """With the votes taken out of the game, nothing at all may depend on the real rows."""

    @pytest.fixture
    def no_votes(self, monkeypatch):
        """Releases say nothing of the rows, so any difference between two runs is a leak."""
        released = []

        def blind(self, iteration, populations, count):
            count()
            released.append(iteration)
            return [np.arange(len(texts), dtype=np.float64) for texts in populations]

        monkeypatch.setattr(VoteRelease, "release", blind)
        return released

    def sources(self):
        """Two datasets of one schema that share no fact: rows, sizes, classes that occur, repeated and copied rows."""
        first = make_rows(12)
        llm_text = "fruit " + word("anything", 0)
        features = first.features
        second = {"text": [f"secret {i} " * (i + 3) for i in range(7)] + ["twice", "twice"], "label": [0, 1] * 4 + [1]}
        third = {"text": [llm_text, "x", "y"], "label": [0, 0, 2]}
        yield first
        for rows in (second, third):
            yield Dataset.from_dict({**rows, "id": list(range(len(rows["text"])))}, features=features)
        # The very texts that the model writes: whether one is dropped as a copy would tell that it is there.
        written = sorted({text for text in condenser(per_class=3, **PRIVATE).condense(first)["text"]})
        labels = [["fruit", "metal", "bird"].index(text.split()[0]) for text in written]
        copies = {"text": written, "label": labels, "id": list(range(len(written)))}
        yield Dataset.from_dict(copies, features=features)

    def test_nothing_but_votes_depends_on_the_real_rows(self, no_votes, tmp_path):
        seen = []
        for i, source in enumerate(self.sources()):
            llm = ScriptedLLM(reply)
            made = condenser(llm.cached(tmp_path / f"{i}.sqlite"), per_class=3, **PRIVATE)
            small = made.condense(source)
            save_condensed(small, tmp_path / f"rows{i}", made.run_)
            made.save_pretrained(tmp_path / f"saved{i}")
            files = {
                path.relative_to(tmp_path / folder).as_posix(): re.sub(
                    rb'"seconds": [\d.]+', b'"seconds": 0', path.read_bytes()
                )
                for folder in (f"rows{i}", f"saved{i}")
                for path in (tmp_path / folder).rglob("*")
                if path.is_file()
            }
            record = made.run_.to_json()
            record["llm"]["usage"]["seconds"] = 0  # how long the model took over chats without a real row in them
            seen.append((small.to_dict(), small.features, str(small.info), record, llm.asked, files))
        assert len(no_votes) >= 4 * 3
        for other in seen[1:]:
            for part, first_part in zip(other, seen[0], strict=True):
                assert part == first_part

    def test_without_noise_the_same_comparison_does_find_differences(self, no_votes):
        found = [condenser(per_class=2).condense(source).to_dict() for source in list(self.sources())[::3]]
        assert found[0] != found[1]

    def test_provenance_tells_votes_and_rounds_only(self, dataset):
        small = condenser(**PRIVATE).condense(dataset)
        assert small.column_names == [*dataset.column_names, "condensed_method", *REWARD_PROVENANCE]
        assert condenser(**PRIVATE, provenance=False).condense(dataset).column_names == dataset.column_names

    def test_the_record_and_the_card_say_what_holds(self, dataset, tmp_path):
        made = condenser(**PRIVATE)
        small = made.condense(dataset)
        record = made.run_
        assert (record.n_source_rows, record.n_embedded, record.seconds) == (None, None, {})
        assert record.source["digest"] is None
        assert (record.privacy["epsilon"], record.privacy["delta"], record.privacy["releases"]) == (4.0, 1e-5, 3)
        save_condensed(small, tmp_path / "rows", record)
        made.save_pretrained(tmp_path / "saved")
        for folder in ("rows", "saved"):
            card = (tmp_path / folder / "README.md").read_text()
            assert "(epsilon, delta) = (4, 1e-05) for adding or removing one row" in card
            assert "condensed_parents" not in card and "source rows |" not in card
            assert not re.search(r"\b36 rows|\| 36 |36 \(", card)
        without = condenser()
        save_condensed(without.condense(dataset), tmp_path / "plain", without.run_)
        assert "No privacy guarantee" in (tmp_path / "plain" / "README.md").read_text()

    def test_a_copy_of_a_real_row_is_not_dropped(self, dataset):
        copy = dataset["text"][0]
        llm = ScriptedLLM(lambda m, s, schema: copy if s == 0 and "Name " not in str(m) else reply(m, s, schema))
        private = condenser(llm, per_class=12, **PRIVATE)
        private.condense(dataset)
        assert "copies_source" not in private.run_.llm["events"]["unusable"]
        plain = condenser(ScriptedLLM(llm.reply))
        plain.condense(dataset)
        assert plain.run_.llm["events"]["unusable"]["copies_source"] > 0

    def test_classes_that_do_not_occur_get_their_rows_too(self, dataset):
        small = condenser(**PRIVATE).condense(dataset.filter(lambda row: row["label"] != 1))
        assert small["label"][:] == [0, 0, 1, 1, 2, 2]
        many = condenser(per_class=20, iterations=1, **PRIVATE).condense(dataset)  # more than a class has
        assert len(many) == 60

    def test_a_report_is_refused(self, dataset, tmp_path):
        made = condenser(**PRIVATE)
        rows = made.condense(dataset)
        prepared = made.prepared_
        result = MethodResult("aug_pe", rows, WordEmbedder().encode(rows["text"][:]), made.run_, (), 0.5, 1.0)
        with pytest.raises(SettingError, match="are private, and a report shows the source"):
            write_report(
                tmp_path / "r.html", title="x", source=prepared.rows, vectors=prepared.vectors, results=[result]
            )
        assert not (tmp_path / "r.html").exists()

    def test_a_map_transform_is_refused(self, dataset):
        with pytest.raises(SettingError, match="no `Dataset.map` transform"):
            condenser(**PRIVATE)(dataset.to_dict())

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"delta": None}, "`epsilon` and `delta` go together"),
            ({"epsilon": None}, "`epsilon` and `delta` go together"),
            ({"epsilon": 0.0}, "`epsilon` must be a number above 0; got 0.0"),
            ({"epsilon": float("inf")}, "`epsilon` must be a number above 0; got inf"),
            ({"delta": 1.0}, "`delta` must lie between 0 and 1; got 1.0"),
            ({"dedup": "exact"}, "`dedup='exact'` lets one row decide over others"),
            ({"dedup": "near"}, "`dedup='near'` lets one row decide over others"),
            ({"per_class": None, "total": 6}, "the budget must be `per_class`"),
            ({"per_class": None, "fraction": 0.5}, "the budget must be `per_class`"),
        ],
    )
    def test_settings_that_would_tell_more_are_refused_before_a_row_is_read(self, dataset, settings, said):
        embedder = WordEmbedder()
        with pytest.raises(SettingError, match=said):
            condenser(embedder=embedder, **{**PRIVATE, **settings}).condense(dataset)
        assert embedder.n_texts == 0

    def test_classes_read_off_the_rows_are_refused(self, dataset):
        names = dataset.features["label"]
        strings = Dataset.from_dict(
            {"text": dataset["text"][:], "label": [names.int2str(c) for c in dataset["label"]]}
        )
        with pytest.raises(SettingError, match="Name them: `dataset.cast_column.'label', ClassLabel"):
            condenser(**PRIVATE).condense(strings)
        named = strings.cast_column("label", ClassLabel(names=list(names.names)))
        assert len(condenser(**PRIVATE).condense(named)) == 6

    def test_rows_that_were_merged_elsewhere_are_refused(self, dataset):
        prepared = KCenterCondenser(embedder=WordEmbedder()).fit(dataset).prepared_
        with pytest.raises(SettingError, match="read without those that repeat others"):
            condenser(**PRIVATE).condense(prepared)
        kept = KCenterCondenser(embedder=WordEmbedder(), dedup="none").fit(dataset).prepared_
        assert len(condenser(**PRIVATE).condense(kept)) == 6

    def test_other_columns_and_facts_of_the_source_do_not_come_along(self, dataset):
        dataset.info.description = "about 36 people"
        small = condenser(**PRIVATE).condense(dataset)
        assert small["id"][:] == [None] * 6 and small.info.description == "" and small.info.splits is None

    def test_a_seed_of_the_noise_voids_the_guarantee(self, dataset):
        made = condenser(**PRIVATE, noise_seed=0)
        made.condense(dataset)
        assert made.run_.privacy["epsilon"] is None and "fixed seed" in made.run_.privacy["statement"]
        assert made.run_.n_source_rows is None
        with pytest.raises(SettingError, match="without `epsilon` there is none"):
            condenser(noise_seed=0)

    def test_without_dp_accounting_it_says_so_before_a_row_is_read(self, dataset, monkeypatch):
        monkeypatch.setitem(sys.modules, "dp_accounting", None)
        embedder = WordEmbedder()
        with pytest.raises(MissingDependencyError, match=r"pip install 'condensers\[dp\]'"):
            condenser(embedder=embedder, **PRIVATE).condense(dataset)
        assert embedder.n_texts == 0

    def test_a_delta_that_promises_nothing_is_said(self, dataset, caplog):
        condenser(epsilon=4.0, delta=0.1).condense(dataset)
        assert "delta=0.1 promises nothing for 36 rows" in caplog.text

    def test_little_noise_elects_what_no_noise_elects(self, dataset):
        plain = condenser(per_class=1, iterations=2).condense(dataset)["text"][:]
        loud = condenser(per_class=1, iterations=2, epsilon=1e6, delta=1e-5, words=5)
        quiet = condenser(per_class=1, iterations=2, words=5).condense(dataset)["text"][:]
        assert loud.condense(dataset)["text"][:] == quiet and len(plain) == 3


def test_the_estimate_is_what_is_asked(dataset):
    llm = ScriptedLLM(reply)
    made = condenser(llm)
    needed = made.estimate(dataset)
    assert llm.asked == [] and needed.n_rounds == 3
    made.condense(dataset)
    assert len(llm.asked) == needed.n_requests == 3 * (1 + 4 + 2 * 4)
    assert 0 < needed.n_input_tokens < needed.max_input_tokens
    assert 0 < needed.n_output_tokens < needed.max_output_tokens


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"iterations": 0}, "`iterations` must be at least 1; got 0"),
        ({"variations": 0}, "`variations` must be at least 1; got 0"),
        ({"vary_by": "magic"}, "`vary_by` must be 'rephrase' or 'fill_in'; got 'magic'"),
        ({"blank_share": 1.0}, "`blank_share` must lie between 0 and 1; got 1.0"),
        ({"vote_threshold": -1.0}, "`vote_threshold` must be 0 or more"),
        ({"extra_rounds": -1}, "`extra_rounds` must be 0 or more"),
    ],
)
def test_settings_out_of_range(settings, said):
    with pytest.raises(SettingError, match=said):
        AugPECondenser(**settings)


def test_the_method_is_one_of_the_table_and_is_saved(dataset, tmp_path):
    dataset.to_parquet(tmp_path / "rows.parquet")
    made = AutoCondenser.from_method(
        "aug_pe", embedder=WordEmbedder(), llm=ScriptedLLM(reply), per_class=1, iterations=2
    )
    rows = made.condense(tmp_path / "rows.parquet")
    made.save_pretrained(tmp_path / "saved")
    again = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder(), llm=ScriptedLLM(reply))
    assert isinstance(again, AugPECondenser) and again.config == made.config
    assert again.condense().to_dict() == rows.to_dict()


def test_as_a_map_transform(dataset):
    made = condenser()
    small = dataset.map(made, batched=True, batch_size=None, remove_columns=dataset.column_names)
    assert len(small) == 6 and small.features["label"] == dataset.features["label"]
