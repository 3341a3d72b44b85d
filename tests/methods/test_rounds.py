"""What holds for every method that has a language model write rows: faults, limits, caches, chunks, estimates."""

import json
import logging
import pickle
import re
import time
from collections import Counter
from pathlib import Path

import datasets
import pytest
from conftest import make_rows
from methods.scripted import ScriptedLLM, ScriptedRewards, good_reply, good_text, served, word
from tiny_classifiers import tiny_model, tiny_tokenizer
from warm_processes import WarmProcess
from word_embedder import WordEmbedder

from condensers.data import Columns, read_rows
from condensers.errors import BudgetError, ServiceError, SettingError
from condensers.llm import CachedLLM, Completion, OpenAIChat, Prices, SpendingLimits, Usage
from condensers.llm.testing import FakeServer, Reply
from condensers.llm.tokens import chat_tokens
from condensers.methods import AutoCondenser

METHODS = ("condenselm", "few_shot", "error_extrapolation")
SMALL = {"per_class": 4, "subset_size": 5, "condensed_size": 2, "reply_format": "json"}


def make(method, llm, rewards=None, **settings):
    if method != "few_shot":
        settings.setdefault("reward_model", rewards or ScriptedRewards(lambda text, code, fit: 0.4 if fit else 0.9))
    return AutoCondenser.from_method(method, embedder=WordEmbedder(), llm=llm, **{**SMALL, **settings})


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_a_column_that_names_the_classes_is_filled_in(dataset):
    names = dataset.features["label"].names
    codes = dataset["label"][:]
    named = dataset.remove_columns("label").add_column("label", codes)
    named = named.add_column("label_text", [names[code] for code in codes])
    small = make("few_shot", ScriptedLLM()).condense(named)
    assert small["label_text"][:] == [names[code] for code in small["label"][:]]
    # So the result is read like the source, by the names of its classes.
    assert read_rows(small, Columns(("text",), "label"), class_names=tuple(names)).codes.tolist() == small["label"][:]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", ["auto", "json", "lines", "single"])
def test_exact_counts_no_copies_no_doubles(method, form, dataset):
    made = make(method, ScriptedLLM(), reply_format=form, per_class=5)
    small = made.condense(dataset)
    assert small["label"][:] == [0] * 5 + [1] * 5 + [2] * 5
    assert len(set(small["text"][:])) == 15 and not set(small["text"][:]) & set(dataset["text"][:])
    assert made.run_.llm["reply_format"] == ("json" if form == "auto" else form)
    assert json.loads(json.dumps(made.run_.to_json()))["llm"]["model"] == "scripted"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("per_class", [1, 2, 3])
def test_a_method_says_what_it_goes_without_in_a_single_round(method, per_class, dataset, caplog):
    with caplog.at_level(logging.WARNING):
        make(method, ScriptedLLM(), per_class=per_class).condense(dataset)
    said = {
        "condenselm": "condenselm goes without coverage rewards",
        "error_extrapolation": "error_extrapolation goes without errors of a model",
    }
    wanted = per_class == 2 and method in said  # of one row there is but one round
    assert (said.get(method, "goes without") in caplog.text) == wanted
    assert ("Set `condensed_size` (`--condensed-size`) below 2." in caplog.text) == wanted


def test_nothing_is_said_of_rewards_that_are_switched_off(dataset, caplog):
    with caplog.at_level(logging.WARNING):
        make("condenselm", ScriptedLLM(), per_class=2, use_coverage=False).condense(dataset)
    assert "goes without" not in caplog.text


@pytest.mark.parametrize("method", METHODS)
def test_a_second_run_asks_nothing_and_gives_the_same(method, dataset):
    def unreliable(messages, sample, schema):
        # A third of the replies cannot be used, and so they are repaired, again and again.
        text = good_reply(messages, sample, schema)
        return "I cannot say." if int(word(text), 16) % 3 == 0 else text

    llm = ScriptedLLM(unreliable)
    first = make(method, llm, extra_rounds=20)
    rows = first.condense(dataset)
    assert method != "condenselm" or first.run_.llm["events"]["unusable"]["malformed"] > 0
    n_asked = len(llm.asked)
    second = make(method, llm, extra_rounds=20)
    assert second.condense(dataset).to_dict() == rows.to_dict()
    assert len(llm.asked) == n_asked
    assert second.run_.llm["events"] == first.run_.llm["events"]


def test_the_seed_reaches_the_server_and_the_choice_of_rows(dataset):
    with FakeServer(served) as server:
        rows = [
            make("few_shot", f"fake@{server.base_url}", seed=seed).condense(dataset)["text"][:] for seed in (0, 1, 0)
        ]
        assert rows[0] == rows[2] != rows[1]
        assert len({request.body["seed"] for request in server.requests}) == 2
        assert server.n_requests == 4


class TestFormsOfReply:
    def test_a_model_that_knows_no_json_is_asked_for_lines(self, dataset, caplog):
        llm = ScriptedLLM(lambda messages, sample, schema: "hm" if schema else good_reply(messages, sample, schema))
        made = make("condenselm", llm, reply_format="auto")
        with caplog.at_level(logging.WARNING):
            assert len(made.condense(dataset)) == 12
        record = made.run_.llm
        assert record["reply_format"] == "lines" and set(record["trials"]) == {"json", "lines"}
        assert record["trials"]["json"]["unusable"] == {"malformed": 3}
        assert "scripted got 0 of 3 samples right when asked for rows as json" in caplog.text
        assert sum(schema is not None for _, _, schema in llm.asked) == 3

    def test_one_that_knows_no_lists_rewrites_row_by_row(self, dataset):
        def rewriter(messages, sample, schema):
            found = re.fullmatch(r"<text>(.*)</text>", messages[-1]["content"])
            return f"again {sample}: {found[1]}" if found else "hm"

        made = make("condenselm", ScriptedLLM(rewriter), reply_format="auto", candidates=3)
        small = made.condense(dataset)
        assert made.run_.llm["reply_format"] == "single" and len(small) == 12
        texts = dataset["text"][:]
        for row in small:
            (parent,) = row["condensed_parents"]
            assert row["text"].endswith(texts[parent])

    def test_rows_compete_row_by_row(self, dataset):
        rewards = ScriptedRewards(lambda text, code, fit: 0.9 if "again 1:" in text else 0.5)

        def rewriter(messages, sample, schema):
            return f"again {sample}: {messages[-1]['content'].split('<text>')[1][:-7]}"

        small = make("condenselm", ScriptedLLM(rewriter), rewards, reply_format="single").condense(dataset)
        first = small.filter(lambda row: row["condensed_round"] == 1)
        assert len(first) == 6 and all(text.startswith("again 1: ") for text in first["text"][:])
        # The second round takes rows that the first has left.
        assert len({parent for (parent,) in small["condensed_parents"]}) == 12

    def test_a_rewriter_reads_the_rows_that_stand_for_as_many_clusters_as_it_writes(self, dataset):
        def rewriter(messages, sample, schema):
            return f"again {sample}: {messages[-1]['content'].split('<text>')[1][:-7]}"

        budget = {"per_class": 3, "subset_size": 8, "condensed_size": 3}
        small = make("condenselm", ScriptedLLM(rewriter), reply_format="single", **budget).condense(dataset)
        centres = AutoCondenser.from_method("k_center", embedder=WordEmbedder(), per_class=3).condense(dataset)
        assert sorted(small["condensed_parents"][:]) == sorted(centres["condensed_parents"][:])


FAULTS = ("copies_source", "wrong_counts", "wrong_labels", "empty", "malformed", "truncated", "refusal")
PASSING = (Reply(status=429, retry_after=0), Reply(status=500), Reply(drop=True), Reply(delay=2.2), Reply(status=503))


def spoilt(kind, request, dataset):
    """A good reply with one fault in it."""
    if kind == "truncated":
        return Reply('{"samp', finish_reason="length")
    if kind == "refusal":
        return Reply(refusal="I would rather not.")
    if kind == "malformed":
        return "Sure! Here you are."
    good = json.loads(served(request))
    if kind == "wrong_counts":
        good["samples"].pop()
    elif kind == "wrong_labels":
        good["samples"][0]["label"] = "stone"
    else:
        good["samples"][0]["text"] = " " if kind == "empty" else dataset[0]["text"].upper()
    return json.dumps(good)


def test_a_run_with_faults_of_every_kind_loses_and_doubles_nothing(dataset):
    given, n_new = Counter(), Counter()

    def script(request):
        body = request.body
        kind = body["response_format"]["json_schema"]["name"]
        first = len(body["messages"]) == 2 and not request.is_retry
        n_new[kind] += first
        if not first or n_new[kind] % 3:
            return served(request)
        if kind == "Samples":
            fault = FAULTS[n_new[kind] // 3 % len(FAULTS)]
            given[fault] += 1
            return spoilt(fault, request, dataset)
        given["passing"] += 1
        return PASSING[given["passing"] % len(PASSING)]

    with FakeServer(script) as server:
        made = make("condenselm", f"fake@{server.base_url}", per_class=6, candidates=12, timeout=2.0)
        small = made.condense(dataset)
        record = made.run_.llm
        n_sent = server.n_requests
        again = make("condenselm", f"fake@{server.base_url}", per_class=6, candidates=12, timeout=2.0)
        assert again.condense(dataset).to_dict() == small.to_dict() and server.n_requests == n_sent
    assert small["label"][:] == [0] * 6 + [1] * 6 + [2] * 6 and len(set(small["text"][:])) == 18
    assert n_sent == record["usage"]["requests"] > 100
    assert record["usage"]["retries"] == given.pop("passing") > 15
    assert dict(given) == record["events"]["unusable"] and set(given) == set(FAULTS)
    assert record["events"]["repair_helped"] == sum(given.values()) - given["refusal"]
    assert record["events"]["regeneration_helped"] == given["refusal"] and "dropped" not in record["events"]
    # Three chats a candidate, and one more for each fault.
    assert record["events"]["replies"] == 3 * 12 * 3 + sum(given.values())


RUN = """
import sys
from conftest import make_rows
from word_embedder import WordEmbedder
from methods.scripted import ScriptedRewards
from condensers.methods import AutoCondenser
condenser = AutoCondenser.from_method("condenselm", embedder=WordEmbedder(), llm="fake@" + sys.argv[1], per_class=4,
    subset_size=5, condensed_size=2, concurrency=4, reward_model=ScriptedRewards(lambda *_: 0.9))
small = condenser.condense(make_rows(12))
print(small.to_json.__self__.to_pandas().to_json())
"""


def test_killed_and_started_again_it_gives_the_same_rows(tmp_path):
    def start(cache):
        environment = {"HF_DATASETS_CACHE": tmp_path / cache}
        return WarmProcess(RUN, server.base_url, folder=tmp_path, environment=environment)

    def finish(run):
        return run.finish().strip().splitlines()[-1]

    with FakeServer(served, delay=0.05) as server:
        killed = start("killed")
        killed.kill_once(lambda: server.n_requests >= 25)
        time.sleep(0.2)
        assert server.n_requests < 50
        resumed = finish(start("killed"))
        asked = Counter(json.dumps([r.body["messages"], r.body["seed"]]) for r in server.requests)
        # Twice only what was under way when it was killed.
        assert sum(n - 1 for n in asked.values()) <= 4 and len(asked) == 60
        n_sent = server.n_requests
        assert finish(start("killed")) == resumed and server.n_requests == n_sent
        server.delay = 0.0
        assert finish(start("unbroken")) == resumed


class TestLimits:
    def test_it_stops_with_what_it_has(self, dataset, caplog):
        with FakeServer(served) as server:
            # Nine requests make the two candidates and the rest of a round; the second round is cut off.
            made = make("condenselm", f"fake@{server.base_url}", candidates=2, max_requests=8, concurrency=1)
            with caplog.at_level(logging.WARNING):
                small = made.condense(dataset)
            assert server.n_requests == 8 and len(small) == 6
            assert made.run_.class_counts == {"fruit": 2, "metal": 2, "bird": 2}
            assert "the limit max_requests=8 was reached with 6 of 12 rows" in caplog.text
            assert made.run_.llm["usage"]["limit_reached"] == "max_requests=8"
            # With room to go on, nothing that was replied is asked again.
            assert len(make("condenselm", f"fake@{server.base_url}", candidates=2).condense(dataset)) == 12
            assert server.n_requests == 12

    def test_nothing_at_all_is_an_error(self, dataset):
        with FakeServer(served) as server:
            made = make("few_shot", f"fake@{server.base_url}", max_requests=0)
            with pytest.raises(BudgetError, match="max_requests=0 was reached before a row was written"):
                made.condense(dataset)
        assert server.n_requests == 0

    def test_an_llm_object_brings_its_own(self, dataset):
        with FakeServer(served) as server:
            usage = Usage(Prices(1, 2), SpendingLimits(max_requests=45))
            made = make("condenselm", OpenAIChat("fake", server.base_url, usage=usage, max_concurrency=1))
            # A round takes 30; the second is cut off.
            assert len(made.condense(dataset)) == 6 and server.n_requests == 45
            assert made.run_.llm["usage"]["cost"] == usage.cost > 0


class TestContext:
    """A model whose context is too short for the subset."""

    @staticmethod
    def narrow(n_tokens):
        def reply(messages, sample, schema):
            n = chat_tokens(messages)
            if n > n_tokens:
                return Completion("", problem=f"too_long: {n} of {n_tokens}")
            return good_reply(messages, sample, schema)

        return ScriptedLLM(reply)

    @pytest.mark.parametrize("method", METHODS)
    def test_rows_are_shown_in_chunks(self, method, dataset):
        llm = self.narrow(390)
        made = (
            make(method, llm, subset_size=12, candidates=2)
            if method == "condenselm"
            else make(method, llm, subset_size=12)
        )
        small = made.condense(dataset)
        assert small["label"][:] == [0] * 4 + [1] * 4 + [2] * 4
        events = made.run_.llm["events"]
        assert events["chunked"] > 0 and events["unusable"]["too_long"] > 0
        if method == "condenselm":
            # Chunked once, the later rounds begin with chunks, and every row was shown in one of them.
            shown = {text for m, _, schema in llm.asked if schema.__name__ == "Features" for text in fits(m, 390)}
            assert set(dataset["text"][:]) <= shown

    def test_a_limit_of_the_user_sends_none_that_is_longer(self, dataset):
        llm = ScriptedLLM()
        made = make("condenselm", llm, subset_size=12, candidates=2, max_input_tokens=390)
        assert len(made.condense(dataset)) == 12
        assert max(chat_tokens(messages) for messages, _, _ in llm.asked) <= 390

    @pytest.mark.parametrize("method", METHODS)
    def test_no_room_for_one_row_is_an_error(self, method, dataset):
        with pytest.raises(SettingError, match="not even one row of each class fits the context"):
            make(method, self.narrow(50)).condense(dataset)


def fits(messages, n_tokens):
    return re.findall(r"<text>(.*?)</text>", messages[1]["content"]) if chat_tokens(messages) <= n_tokens else []


class TestServers:
    def condense(self, server, dataset, **settings):
        return make("condenselm", f"fake@{server.base_url}", candidates=2, **settings).condense(dataset)

    def test_without_schemas_it_is_told_in_words(self, dataset, caplog):
        def script(request):
            if "response_format" in request.body:
                return Reply(status=400, error="response_format json_schema is not supported")
            return served(request)

        with FakeServer(script) as server, caplog.at_level(logging.WARNING):
            assert len(self.condense(server, dataset)) == 12
        assert "does not take `response_format`" in caplog.text
        assert not any("response_format" in request.body for request in server.requests[-9:])

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            (lambda _: Reply(status=401, error="bad key sk-secret-1"), "OPENAI_API_KEY is set, but not accepted"),
            (lambda _: Reply(status=404, error="no such model"), "has no model 'fake'"),
        ],
    )
    def test_one_that_refuses(self, script, said, dataset, monkeypatch, caplog):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
        with FakeServer(script) as server, pytest.raises(ServiceError, match=said) as raised:
            self.condense(server, dataset)
        assert "sk-secret" not in str(raised.value) and "sk-secret" not in caplog.text
        assert raised.value.__suppress_context__

    def test_one_that_is_down(self, dataset, monkeypatch):
        monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.01)
        with FakeServer() as server:
            spec = f"fake@{server.base_url}"
        with pytest.raises(ServiceError, match="cannot be reached"):
            make("few_shot", spec).condense(dataset)

    def test_the_key_is_nowhere(self, dataset, monkeypatch, caplog, tmp_path):
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-2")
        with FakeServer(served) as server, caplog.at_level(logging.DEBUG, logger="condensers"):
            made = make("condenselm", f"fake@{server.base_url}", candidates=2)
            made.condense(dataset)
            made.save_pretrained(tmp_path / "saved")
        assert all(request.has_key for request in server.requests)
        cache = Path(datasets.config.HF_DATASETS_CACHE)
        kept = [path for folder in (cache, tmp_path) for path in folder.rglob("*") if path.is_file()]
        assert any(path.name == "responses.sqlite" for path in kept)
        assert not any(b"sk-secret" in path.read_bytes() for path in kept)
        assert "sk-secret" not in caplog.text + json.dumps(made.run_.to_json()) + repr(pickle.dumps(made))


class TestEstimate:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("form", ["auto", "json", "lines", "single"])
    def test_it_is_what_a_run_without_faults_then_uses(self, method, form, dataset):
        prices = {"input_price": 2.0, "output_price": 8.0}

        def exact(request):
            # As many lines as are asked for.
            text = served(request)
            return text.split("\n", 1)[1] if text.startswith("Sure") else text

        with FakeServer(exact) as server:
            made = make(method, f"fake@{server.base_url}", reply_format=form, **prices)
            said = made.estimate(dataset)
            assert server.n_requests == 0 and made.embedder.n_texts == 0
            made.condense(dataset)
            used = made.run_.llm["usage"]
        assert used["requests"] - used["retries"] == said.n_requests or form == "single"
        assert said.n_requests <= used["requests"] + 12
        assert used["input_tokens"] <= said.max_input_tokens and used["output_tokens"] <= said.max_output_tokens
        assert said.n_input_tokens == pytest.approx(used["input_tokens"], rel=0.35)
        assert said.cost == pytest.approx((said.n_input_tokens * 2 + said.n_output_tokens * 8) / 1e6)
        assert said.cost < said.max_cost and said.n_rounds == 2

    def test_mistakes_are_said(self, dataset):
        with pytest.raises(SettingError, match="none is set"):
            AutoCondenser.from_method("few_shot", embedder=WordEmbedder(), per_class=1).estimate(dataset)


class TestSaving:
    @pytest.fixture
    def classifier(self, tmp_path):
        folder = tmp_path / "classifier"
        tiny_model().save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
        return folder

    @pytest.fixture
    def fits(self, monkeypatch):
        """Recipes of the fits that happen."""
        from condensers.rewards import LabelConfidence

        happened, fit = [], LabelConfidence.fit

        def counted(self, dataset, **options):
            happened.append("coverage" if options["recipe"].max_steps else "representability")
            return fit(self, dataset, **options)

        monkeypatch.setattr(LabelConfidence, "fit", counted)
        return happened

    def make(self, classifier, llm, **settings):
        return make("condenselm", llm, reward_model=str(classifier), coverage_steps=2, **{"candidates": 2, **settings})

    def test_a_saved_condenser_needs_no_fit(self, source_folder, classifier, fits, tmp_path, monkeypatch):
        made = self.make(classifier, ScriptedLLM())
        rows = made.condense(source_folder)
        assert fits.count("representability") == 1
        made.save_pretrained(tmp_path / "saved")
        saved = {path.relative_to(tmp_path / "saved").as_posix() for path in (tmp_path / "saved").rglob("*")}
        assert {"condenser_config.json", "representability", "representability/model.safetensors"} <= saved
        assert not any(name.endswith((".bin", ".pkl", ".pt")) for name in saved)
        card = (tmp_path / "saved" / "README.md").read_text()
        assert "| language model | scripted, rows asked for as json |" in card and "given up 0" in card
        # Without the cache of this machine.
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "elsewhere")
        loaded = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder(), llm=ScriptedLLM())
        assert loaded.condense().to_dict() == rows.to_dict()
        assert fits.count("representability") == 1
        assert len(loaded.condense(per_class=5)) == 15 and fits.count("representability") == 1
        loaded.condense(make_rows(6, seed=1), per_class=2)
        assert fits.count("representability") == 2

    def test_a_killed_run_need_not_fit_again(self, dataset, classifier, fits):
        self.make(classifier, ScriptedLLM()).condense(dataset)
        self.make(classifier, ScriptedLLM(), seed=1).condense(dataset)
        assert fits.count("representability") == 1
        self.make(classifier, ScriptedLLM(), fit_seed=1).condense(dataset)
        self.make(classifier, ScriptedLLM(), heavy_regularization=False).condense(dataset)
        assert fits.count("representability") == 3

    def test_a_map_transform(self, dataset, classifier, fits):
        from datasets.fingerprint import Hasher

        made = self.make(classifier, ScriptedLLM())
        before = Hasher.hash(made)
        mapped = dataset.map(made, batched=True, batch_size=None, remove_columns=dataset.column_names)
        assert Hasher.hash(made) == before and len(pickle.dumps(made)) < 10_000
        assert mapped.to_dict() == made.condense(dataset).to_dict()
        assert Hasher.hash(made) == before and fits.count("representability") == 1
        assert Hasher.hash(self.make(classifier, ScriptedLLM(), candidates=3)) != before
        assert Hasher.hash(self.make(classifier, ScriptedLLM(name="other"))) != before

    def test_a_part_that_is_missing(self, source_folder, classifier, tmp_path):
        import shutil

        from condensers.errors import SourceNotFoundError

        made = self.make(classifier, ScriptedLLM(), per_class=1)
        made.condense(source_folder)
        made.save_pretrained(tmp_path / "saved")
        shutil.rmtree(tmp_path / "saved" / "representability")
        with pytest.raises(SourceNotFoundError, match="lacks the folder of its learned part 'representability'"):
            AutoCondenser.from_pretrained(tmp_path / "saved")


def test_errors_of_the_model_are_what_is_extrapolated(dataset):
    """Rows about apples are wrong after round 1; the next round shows these, and the least sure of the rest."""

    def confidence(text, code, fitted_on):
        return 0.1 if "apple" in text else 0.6 if "number3" in text else 0.9

    llm = ScriptedLLM()
    made = make("error_extrapolation", llm, ScriptedRewards(confidence), subset_size=8)
    small = made.condense(dataset)
    texts = dataset["text"][:]
    fruit = {
        texts[i]
        for row in small
        if row["label"] == 0 and row["condensed_round"] == 2
        for i in row["condensed_parents"]
    }
    apples = {text for text, code in zip(texts, dataset["label"][:], strict=True) if code == 0 and "apple" in text}
    assert apples and (apples <= fruit or fruit <= apples)
    metal = [
        texts[i]
        for row in small
        if row["label"] == 1 and row["condensed_round"] == 2
        for i in row["condensed_parents"]
    ]
    assert "number3" in metal[0]
    assert "got the samples below wrong" in llm.asked[0][0][1]["content"]


def test_a_plain_llm_of_the_users_will_do(dataset):
    class Mine:
        name, fingerprint = "mine", "1"

        def complete(self, chats, *, n=1, schema=None):
            from condensers.llm.judging import judged

            kind = schema.__name__ if schema else None
            return [[judged(Completion(good_text(chat, k, kind)), schema) for k in range(n)] for chat in chats]

    small = make("few_shot", Mine()).condense(dataset)
    assert len(small) == 12 and isinstance(make("few_shot", Mine()).llm, CachedLLM)
