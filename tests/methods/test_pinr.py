"""PInR and its baselines DaLLME and MGD3: configurations of one pipeline, saved, resumed, stopped."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_rows
from datasets import Dataset
from datasets.fingerprint import Hasher
from methods.scripted import ScriptedLLM, word
from tiny_inverters import tiny_inverter
from word_embedder import WordEmbedder

from condensers.errors import BudgetError, SettingError
from condensers.llm import CachedLLM, Completion, SpendingLimits, Usage
from condensers.methods import AutoCondenser, EmbeddingCondenser
from condensers.methods.dallme import DaLLMECondenser
from condensers.methods.mgd3 import MGD3Condenser
from condensers.methods.pinr import PInRCondenser
from condensers.methods.realising_condenser import RealisingCondenser
from condensers.placement import DenoisingScoreNetwork, KernelDensityScore, KMeansCentroids, SteinParticles

METHODS = ("pinr", "dallme", "mgd3")


def new_text(messages, sample, schema=None):
    """A new text of words of the first that the request shows, the nearest."""
    shown = messages[-1]["content"].split("<text>")[1].split("</text>")[0].split()
    return " ".join([*shown[:-1], word(messages, sample)])


@pytest.fixture
def llm():
    return ScriptedLLM(new_text)


@pytest.fixture(scope="session")
def inverter_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny-inverter")
    tiny_inverter(max_new_tokens=8, seed=3).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("method", METHODS)
class TestEachMethod:
    def test_counts_are_exact_and_texts_are_new(self, method, llm, dataset, embedder):
        condenser = AutoCondenser.from_method(method, llm=llm, embedder=embedder)
        rows = condenser.condense(dataset, per_class=3)
        assert rows["label"][:] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert rows.features["label"] == dataset.features["label"]
        assert len(set(rows["text"][:])) == 9 and not set(rows["text"][:]) & set(dataset["text"][:])
        run = condenser.run_
        assert run.llm["model"] == "scripted" and run.llm["usage"]["requests"] == len(llm.asked) > 0
        assert (run.components["polisher"] is not None) == (method == "pinr")
        assert len(run.stages["writing"]["cosine"]) == (3 if method == "pinr" else 1)
        assert ("placement" in run.stages) == (method != "dallme")

    def test_an_inverter_writes_in_place_of_the_model(self, method, inverter_folder, dataset, embedder):
        settings = {} if method != "pinr" else {"num_rounds": 0}
        condenser = AutoCondenser.from_method(method, inverter=str(inverter_folder), embedder=embedder, **settings)
        rows = condenser.condense(dataset, per_class=2)
        assert rows["label"][:] == [0, 0, 1, 1, 2, 2] and len(set(rows["text"][:])) == 6
        assert condenser.run_.llm is None
        assert condenser.run_.components["realiser"]["type"] == "EmbeddingInversion"

    def test_nothing_to_write_with_is_said_before_any_work(self, method, dataset, embedder):
        with pytest.raises(SettingError, match=f"'{method}' has nothing to write texts with.*`inverter=`.*`llm=`"):
            AutoCondenser.from_method(method, embedder=embedder).condense(dataset, per_class=2)
        assert embedder.n_texts == 0

    def test_an_inverter_of_another_embedder_is_refused_by_its_fingerprint(self, method, inverter_folder, dataset):
        other = WordEmbedder("other words")
        condenser = AutoCondenser.from_method(method, inverter=str(inverter_folder), llm="offline", embedder=other)
        with pytest.raises(SettingError, match="trained for the embedder 'words'.*got 'other words'"):
            condenser.condense(dataset, per_class=2)

    def test_saved_and_loaded_it_refits_nothing_and_gives_the_same_rows(
        self, method, llm, dataset, embedder, tmp_path, monkeypatch
    ):
        condenser = AutoCondenser.from_method(method, llm=llm, embedder=embedder, seed=4)
        first = condenser.condense(dataset, per_class=3)
        condenser.save_pretrained(tmp_path / "saved")
        assert (tmp_path / "saved" / "targets").is_dir() == (method != "dallme")
        assert not [path for path in (tmp_path / "saved").rglob("*") if path.suffix in (".pkl", ".bin", ".pt")]
        _forbid_fits(monkeypatch)
        monkeypatch.setattr("condensers.methods.condenser.kept_folder", lambda key: Path("/nowhere") / key)
        loaded = AutoCondenser.from_pretrained(tmp_path / "saved", llm=llm, embedder=WordEmbedder())
        assert type(loaded) is type(condenser)
        assert loaded.condense(dataset).to_dict() == first.to_dict()
        assert len(loaded.condense(dataset, per_class=5)) == 15


@pytest.mark.parametrize("score_model", [None, "kernel_density"])
def test_the_card_says_whether_vectors_of_rows_are_saved(score_model, llm, dataset, embedder):
    condenser = PInRCondenser(llm=llm, embedder=embedder, score_model=score_model, per_class=2)
    condenser.condense(dataset)
    text = str(condenser.generate_model_card())
    assert "never rows of the dataset" in text
    assert ("made of their vectors" in text) == (score_model is not None)


def _forbid_fits(monkeypatch):
    def refuse(self, x):
        raise AssertionError("fitted again")

    monkeypatch.setattr("condensers.placement.gaussian_mixture.GaussianMixtureScore._fit", refuse)


class TestLearnedParts:
    def test_one_fit_serves_other_budgets_and_seeds(self, llm, dataset, embedder, monkeypatch):
        fits = []
        fit = SteinParticles.fit
        monkeypatch.setattr(SteinParticles, "fit", lambda self, x, n=None: fits.append(n) or fit(self, x, n))
        condenser = PInRCondenser(llm=llm, embedder=embedder)
        condenser.condense(dataset, per_class=3)
        assert fits == [None] * 3  # one a class
        condenser.condense(per_class=5)
        condenser.condense(per_class=5, seed=1)
        PInRCondenser(llm=llm, embedder=embedder).condense(dataset, per_class=2)
        assert len(fits) == 3
        PInRCondenser(llm=llm, embedder=embedder, score_model="kernel_density").condense(dataset, per_class=2)
        assert len(fits) == 6

    def test_what_was_kept_gives_the_same_points_as_a_fresh_fit(self, llm, dataset, embedder):
        condenser = PInRCondenser(llm=llm, embedder=embedder)
        condenser.condense(dataset, per_class=3)
        kept = PInRCondenser(llm=llm, embedder=embedder)
        kept.condense(dataset, per_class=3)
        np.testing.assert_array_equal(kept.points_, condenser.points_)

    def test_a_network_is_fitted_for_each_budget(self, llm, dataset, embedder, monkeypatch):
        fits = []
        fit = SteinParticles.fit
        monkeypatch.setattr(SteinParticles, "fit", lambda self, x, n=None: fits.append(n) or fit(self, x, n))
        network = SteinParticles(score=DenoisingScoreNetwork(width=4, steps=2), max_steps=3)
        condenser = PInRCondenser(placement=network, llm=llm, embedder=embedder)
        condenser.condense(dataset, per_class=4)
        condenser.condense(per_class=4)
        condenser.condense(per_class=8)
        assert fits == [4, 4, 4, 8, 8, 8]

    def test_an_inverter_in_memory_is_saved_with_the_condenser(self, dataset, embedder, tmp_path):
        inverter = tiny_inverter(max_new_tokens=8, seed=3)
        condenser = DaLLMECondenser(inverter=inverter, embedder=embedder)
        first = condenser.condense(dataset, per_class=2)
        condenser.save_pretrained(tmp_path)
        assert (tmp_path / "inverter" / "model.safetensors").is_file()
        loaded = AutoCondenser.from_pretrained(tmp_path, embedder=embedder)
        assert loaded.condense(dataset).to_dict() == first.to_dict()
        other = AutoCondenser.from_pretrained(tmp_path, embedder=embedder, inverter=tiny_inverter(seed=9))
        assert other._parts["inverter"].key != loaded._parts["inverter"].key


class TestParts:
    def test_placement_and_score_come_back(self, embedder, tmp_path):
        placement = SteinParticles(score=KernelDensityScore(), subspace=4, max_steps=7)
        EmbeddingCondenser(placement=placement, embedder=embedder).save_pretrained(tmp_path)
        loaded = AutoCondenser.from_pretrained(tmp_path, embedder=embedder)
        assert isinstance(loaded.placement.score, KernelDensityScore)
        assert (loaded.placement.subspace, loaded.placement.max_steps) == (4, 7)

    def test_an_inversion_is_saved_by_the_name_of_its_model(self, inverter_folder, embedder, dataset, tmp_path):
        from condensers.inversion.inverter import EmbeddingInversion

        realiser = EmbeddingInversion(
            inverter_folder, embedder="another, which the condenser's replaces", num_rounds=1
        )
        condenser = EmbeddingCondenser(realiser=realiser, embedder=embedder)
        first = condenser.condense(dataset, per_class=2)
        condenser.save_pretrained(tmp_path)
        loaded = AutoCondenser.from_pretrained(tmp_path, embedder=embedder)
        assert loaded.condense(dataset, per_class=2).to_dict() == first.to_dict()
        in_memory = EmbeddingCondenser(realiser=EmbeddingInversion(tiny_inverter()), embedder=embedder)
        with pytest.raises(SettingError, match=r"EmbeddingInversion\(inverter=...\) cannot be saved.*name its folder"):
            in_memory.save_pretrained(tmp_path / "other")

    def test_what_asks_a_language_model_names_the_way_to_save_it(self, llm, embedder, tmp_path):
        from condensers.inversion import LLMWriter

        condenser = EmbeddingCondenser(realiser=LLMWriter(llm, embedder), embedder=embedder)
        with pytest.raises(SettingError, match="part LLMWriter cannot be saved.*PInRCondenser"):
            condenser.save_pretrained(tmp_path / "saved")
        assert not (tmp_path / "saved").exists()

    def test_the_fingerprint_tells_inverters_apart_and_does_not_change_by_running(
        self, llm, dataset, embedder, tmp_path
    ):
        tiny_inverter(seed=1).save_pretrained(tmp_path)

        def fresh(**settings):
            settings = {"inverter": str(tmp_path), "llm": llm, "per_class": 2} | settings
            return PInRCondenser(embedder=embedder, **settings)

        condenser = fresh()
        before = Hasher.hash(condenser)
        mapped = dataset.map(condenser, batched=True, batch_size=None, remove_columns=dataset.column_names)
        assert len(mapped) == 6
        assert Hasher.hash(condenser) == before == Hasher.hash(fresh())
        assert Hasher.hash(fresh(num_rounds=1)) != before
        tiny_inverter(seed=2).save_pretrained(tmp_path)  # trained again, in the same folder
        assert Hasher.hash(fresh()) != before


class TestKilled:
    """Wherever a run ends, the next one gives the same rows and asks for no reply twice."""

    @pytest.mark.parametrize("n_replies", [0, 7, 24, 25, 50, 59])
    def test_between_any_two_replies(self, dataset, embedder, tmp_path, n_replies):
        def pinr(reply, file):
            llm = ScriptedLLM(reply)
            return PInRCondenser(llm=CachedLLM(llm, tmp_path / file, keep_problems=True), embedder=embedder), llm

        whole, all_asked = pinr(new_text, "whole.sqlite")
        expected = whole.condense(dataset, per_class=2).to_dict()
        assert len(all_asked.asked) == 60  # 6 points: 4 texts, then 2 rounds of 3 variants

        def dies(messages, sample, schema=None):
            if len(killed_llm.asked) > n_replies:
                raise KeyboardInterrupt
            return new_text(messages, sample)

        killed, killed_llm = pinr(dies, "killed.sqlite")
        with pytest.raises(KeyboardInterrupt):
            killed.condense(dataset, per_class=2)
        again, again_llm = pinr(new_text, "killed.sqlite")
        assert again.condense(dataset, per_class=2).to_dict() == expected
        assert len(again_llm.asked) == 60 - n_replies

    def test_amid_inversion_what_was_written_is_kept(self, inverter_folder, dataset, embedder, monkeypatch):
        from condensers.inversion.inverter import EmbeddingInverter

        def dallme():
            return DaLLMECondenser(inverter=str(inverter_folder), embedder=embedder)

        monkeypatch.setattr("condensers.methods.written_rows._BATCHES", 1)
        inversion = RealisingCondenser._inversion
        monkeypatch.setattr(RealisingCondenser, "_inversion", lambda self: replace(inversion(self), batch_size=4))
        write, batches = EmbeddingInverter.write, []

        def counted(self, targets, **search):
            batches.append(len(targets))
            if limit and len(batches) > limit:
                raise KeyboardInterrupt
            return write(self, targets, **search)

        monkeypatch.setattr(EmbeddingInverter, "write", counted)
        limit = 1
        with pytest.raises(KeyboardInterrupt):
            dallme().condense(dataset, per_class=3)
        limit, n_before = 0, len(batches)
        resumed = dallme().condense(dataset, per_class=3).to_dict()
        n_resumed = len(batches) - n_before
        again = dallme().condense(dataset, per_class=3).to_dict()
        assert len(batches) == n_before + n_resumed  # nothing was written twice
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", Path(str(inverter_folder) + "-cache"))
        unbroken = dallme().condense(dataset, per_class=3).to_dict()
        assert resumed == again == unbroken
        assert len(batches) - n_before - n_resumed == n_resumed + 1  # the batch that the killed run had kept


class TestLimits:
    def test_with_what_it_has(self, dataset, embedder, caplog):
        llm = _limited(3)
        condenser = PInRCondenser(llm=llm, embedder=embedder, num_candidates=1)
        rows = condenser.condense(dataset, per_class=2)
        assert rows["label"][:] == [0, 0, 1] and len(condenser.points_) == 3
        assert condenser.run_.stages["writing"]["stopped"] and "3 of 6 rows" in caplog.text
        assert not set(rows["text"][:]) & set(dataset["text"][:])

    def test_nothing_at_all(self, dataset, embedder):
        with pytest.raises(BudgetError, match="limit was reached before a row was written"):
            PInRCondenser(llm=_limited(0), embedder=embedder).condense(dataset, per_class=2)


def _limited(n):
    class Limited(ScriptedLLM):
        def stream(self, requests, *, schema=None):
            for i, request in enumerate(requests):
                if not self.usage.admit():
                    yield i, self.usage.count(Completion("", problem="limit"))
                    continue
                yield i, self.usage.count(Completion(new_text(request.to_list(), request.sample)))

    llm = Limited()
    llm.usage = Usage(limits=SpendingLimits(max_requests=n))
    return llm


class TestEstimate:
    @pytest.mark.parametrize(("method", "n_requests"), [("pinr", 6 * (4 + 6)), ("dallme", 6 * 4)])
    def test_as_many_requests_as_are_sent_when_nothing_goes_wrong(
        self, method, n_requests, llm, dataset, embedder, tmp_path
    ):
        condenser = AutoCondenser.from_method(method, llm=llm, embedder=embedder, input_price=None)
        needed = condenser.estimate(dataset, per_class=2)
        assert needed.n_requests == n_requests and not llm.asked and embedder.n_texts == 0
        assert needed.n_input_tokens <= needed.max_input_tokens and needed.n_output_tokens < needed.max_output_tokens
        condenser.condense(dataset, per_class=2)
        assert len(llm.asked) == n_requests

    def test_more_seeds_mean_more_requests_in_later_rounds(self, llm, dataset, embedder):
        condenser = PInRCondenser(llm=llm, embedder=embedder, num_seeds=2, num_rounds=3, num_variants=5)
        assert condenser.estimate(dataset, per_class=1).n_requests == 3 * (4 + 5 + 10 + 10)

    def test_an_inverter_alone_asks_nothing(self, inverter_folder, dataset, embedder):
        condenser = DaLLMECondenser(inverter=str(inverter_folder), embedder=embedder)
        assert condenser.estimate(dataset, per_class=2).n_requests == 0


class TestBadInput:
    def test_one_row_a_class(self, llm, embedder):
        rows = make_rows(1)
        small = PInRCondenser(llm=llm, embedder=embedder).condense(rows, per_class=1)
        assert small["label"][:] == [0, 1, 2] and not set(small["text"][:]) & set(rows["text"][:])

    def test_more_particles_than_rows(self, llm, dataset, embedder):
        with pytest.raises(BudgetError, match="at most 12, the size of class 'fruit'; got 13"):
            PInRCondenser(llm=llm, embedder=embedder).condense(dataset, per_class=13)
        assert not llm.asked

    @pytest.mark.parametrize("method", METHODS)
    def test_identical_rows(self, llm, embedder, method):
        rows = Dataset.from_dict({"text": ["the same"] * 4 + ["other words"] * 4, "label": [0] * 4 + [1] * 4})
        condenser = AutoCondenser.from_method(method, llm=llm, embedder=embedder, dedup="none")
        small = condenser.condense(rows, per_class=2)
        assert small["label"][:] == [0, 0, 1, 1] and len(set(small["text"][:])) == 4

    def test_a_dimension_that_is_not_the_inverters(self, dataset, tmp_path):
        class Short(WordEmbedder):
            def encode(self, texts):
                return super().encode(texts)[:, :16]

        tiny_inverter().save_pretrained(tmp_path)
        condenser = DaLLMECondenser(inverter=str(tmp_path), embedder=Short("short words"))
        with pytest.raises(SettingError, match="'words'.*32 dimensions.*'short words'.*16 dimensions"):
            condenser.condense(dataset, per_class=2)

    def test_settings_out_of_range(self, embedder):
        for settings, message in [
            ({"num_rounds": -1}, "`num_rounds` must be at least 0"),
            ({"num_variants": 0}, "`num_variants` must be at least 1"),
            ({"score_model": "magic"}, "one of gaussian_mixture, kernel_density, denoising_network"),
            ({"corrector": "somewhere"}, "there is none. Pass `inverter=`"),
        ]:
            with pytest.raises(SettingError, match=message):
                PInRCondenser(embedder=embedder, llm="offline", **settings)


class TestQuestions:
    def test_questions_and_answers_without_labels(self, embedder):
        pairs = Dataset.from_dict(
            {"question": [f"how many {i} apples" for i in range(12)], "answer": [f"{i} pears" for i in range(12)]}
        )

        def reply(messages, sample, schema=None):
            said = word(messages, sample)
            return f"Q: why {said}\nA: since {said}"

        llm = ScriptedLLM(reply)
        condenser = PInRCondenser(llm=llm, embedder=embedder)
        rows = condenser.condense(pairs, total=5, label=None)
        assert len(rows) == 5 and condenser.run_.class_counts == {"all rows": 5}
        for question, answer in zip(rows["question"][:], rows["answer"][:], strict=True):
            assert question.startswith("why ") and answer.startswith("since ") and "[SEP]" not in question + answer

    def test_a_lost_separator_is_mended_by_the_refiner_and_counted(self, embedder):
        pairs = Dataset.from_dict({"question": [f"q{i} x" for i in range(6)], "answer": [f"a{i}" for i in range(6)]})

        class Run:
            def realise(self, points, rows):
                return [f"all in one {i}" for i in range(len(points))]

        llm = ScriptedLLM(lambda m, s, _: f"Q: what {word(m, s)}\nA: that")
        condenser = PInRCondenser(realiser=Run(), llm=llm, embedder=embedder)
        rows = condenser.condense(pairs, total=3)
        assert rows["answer"][:] == ["that"] * 3
        events = condenser.run_.llm["events"]
        assert (events["came_separator"], events["separator_mended"]) == (3, 3)
        assert "have run together" in llm.asked[0][0][-1]["content"] or "tell them apart" in str(llm.asked[0][0])


def test_dallme_is_centroids_and_their_inversion(inverter_folder, dataset, embedder):
    from condensers.inversion.inverter import EmbeddingInversion

    condenser = DaLLMECondenser(inverter=str(inverter_folder), embedder=embedder)
    rows = condenser.condense(dataset, per_class=2)
    parts = EmbeddingCondenser(
        placement=KMeansCentroids(), realiser=EmbeddingInversion(str(inverter_folder)), embedder=embedder
    )
    assert parts.condense(dataset, per_class=2)["text"][:] == rows["text"][:]
    np.testing.assert_array_equal(parts.points_, condenser.points_)


def test_refinement_brings_texts_closer_or_leaves_them(llm, dataset, embedder):
    condenser = PInRCondenser(llm=llm, embedder=embedder)
    condenser.condense(dataset, per_class=3)
    cosine = np.array(condenser.run_.stages["writing"]["cosine"])
    assert cosine.shape == (3, 9) and (np.diff(cosine, axis=0) >= -1e-6).all()
    assert cosine[-1].mean() > cosine[0].mean()


def test_the_record_is_json_and_shows_the_descent(llm, dataset, embedder):
    condenser = PInRCondenser(llm=llm, embedder=embedder)
    condenser.condense(dataset, per_class=4)
    record = json.loads(json.dumps(condenser.run_.to_json()))
    for name in ("fruit", "metal", "bird"):
        descent = record["stages"]["placement"][name]
        steps = [step for step, _ in descent["discrepancy"]]
        assert steps == sorted(set(steps)) and len(steps) <= 30
        assert (steps[0], steps[-1]) == (0, descent["steps"]) and descent["converged"]


def test_mgd3_takes_its_own_density(llm, dataset, embedder):
    condenser = MGD3Condenser(llm=llm, embedder=embedder, score_model="kernel_density")
    condenser.condense(dataset, per_class=2)
    assert condenser.run_.components["placement"]["score"]["type"] == "KernelDensityScore"
