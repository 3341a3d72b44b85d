"""`condensers generate`: what it shows, writes and refuses."""

import json
import re
import sys

import pytest
from conftest import make_rows
from datasets import Dataset, load_dataset
from tiny_inverters import word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from warm_processes import WarmProcess, files_below
from word_embedder import WordEmbedder

from condensers.cli import main
from condensers.data import progress
from condensers.llm.testing import FakeServer

ADAPTER = (
    "--generator",
    "lm",
    "--max-steps",
    30,
    "--learning-rate",
    1e-2,
    "--num-virtual-tokens",
    4,
    "--max-length",
    8,
)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr("condensers.methods.condenser.load_embedder", lambda *args, **given: WordEmbedder())
    texts = list(dict.fromkeys(word_rows(200)["text"][:]))[:24]
    (tmp_path / "source").mkdir()
    for name, part in (("train", texts[:18]), ("test", texts[18:])):
        rows = Dataset.from_dict({"question": part, "answer": [f"as {text}" for text in part]})
        rows.to_parquet(tmp_path / "source" / f"{name}.parquet")
    tiny_lm().save_pretrained(tmp_path / "lm")
    tiny_lm_tokenizer().save_pretrained(tmp_path / "lm")

    def call(*options, output=("--output", "out", "--no-report")):
        arguments = ["generate", "source", *output, *options]
        monkeypatch.setattr(sys, "argv", ["condensers", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return stop.value.code or 0, shown.out, shown.err

    return call


def answering(request):
    asked = request.body["messages"][-1]["content"]
    if "Make up" in asked:
        return "\n".join(f"{i}. why {i} {hash(asked)}" for i in range(10))
    return f"since {asked}"


def test_from_dry_run_to_card_and_report(run, tmp_path):
    with FakeServer(answering) as server:
        options = ("--llm", f"fake@{server.base_url}", "--total", 20, "--against", "test", *ADAPTER)
        code, out, _ = run(*options, "--dry-run", "--json", output=())
        needed = json.loads(out)
        assert code == 0 and needed["n_requests"] == 20
        assert needed["own_work"] == {"steps of training": 30, "texts written": 40}
        code, out, err = run(*options, "--dry-run", output=())
        assert code == 0 and re.search(r"steps of training +30", out) and "Nothing was sent" in err
        assert server.n_requests == 0 and not (tmp_path / "out").exists()
        code, out, err = run(*options, "--report", output=("--output", "out"))
        assert code == 0, err
        assert server.n_requests == 20
    assert "softsrv: 20 rows like 18 rows" in out
    assert re.search(r"The adapter's loss fell from 4.\d\d at step 1 to [123].\d\d at step 30; it is kept", err)
    assert re.search(r"Of \d+ texts that were written were dropped: .*repeats \d+; \d+ were left over", err)
    assert "20 requests, " in err
    rows = load_dataset(str(tmp_path / "out"), split="train")
    assert rows.column_names[:2] == ["prompt", "completion"] and len(rows) == 20
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "# 20 rows generated with `softsrv`" in card and "were the sample after which 20 were written" in card
    assert "as TRL's SFTTrainer takes them" in card and "| test rows kept out | test |" in card
    assert "adapter `mlp`, loss 4." in card and "- synthetic" in card and "the row it was written after" in card
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "20 rows like 18 rows by softsrv" in report and "Texts written" in report
    assert all(prompt.strip() in report for prompt in rows["prompt"][:])
    record = json.loads((tmp_path / "out" / "condensers_run.json").read_text())
    assert record["generation"]["against"] == "test" and record["settings"]["max_steps"] == 30


def test_questions_alone_and_another_total_from_what_was_trained(run, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "LOG_DELAY", 0.0)
    options = ("--answer", "none", "--json", *ADAPTER)
    code, out, err = run(*options, "--total", 30)
    assert code == 0 and json.loads(out)["generation"]["row_format"] == "source", err
    assert "Training" in err
    code, out, err = run(*options, "--total", 5, output=("--output", "few", "--no-report"))
    assert code == 0 and "Training" not in err
    assert len(load_dataset(str(tmp_path / "few"), split="train")) == 5


def test_the_baselines(run, tmp_path):
    with FakeServer(answering) as server:
        given = ("--llm", f"fake@{server.base_url}", "--total", 6, "--kind", "riddle", "--json")
        for method, more in (("prompt_template", ()), ("self_refine", ("--refinements", 1))):
            place = ("--output", method, "--no-report")
            code, out, err = run(*given, "--method", method, *more, output=place)
            assert code == 0, err
            assert json.loads(out)["generation"]["written"] == 12
            assert len(load_dataset(str(tmp_path / method), split="train")) == 6
        assert any("Here is a riddle" in str(request.body["messages"]) for request in server.requests)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "exactly one of `per_class`, `total`"),
        (("--total", 3), "have answers (column 'answer')"),
        (
            ("--total", 3, "--method", "k_center"),
            "must be one of prompt_template, self_refine, softsrv; got 'k_center'",
        ),
        (("--total", 3, "--method", "magic"), "no method 'magic'"),
        (("--total", 3, "--method", "prompt_template", "--max-steps", 3), "takes no --max-steps"),
        (("--total", 3, "--refinements", 2), "'softsrv' takes no --refinements"),
        (("--total", 3, "--answer", "none", "--generator", "./nowhere"), "neither a folder nor a model"),
        (("--total", 3, "--answer", "none", "--against", "dev", *ADAPTER), "neither a split of the source"),
        (("--total", 3, "--answer", "reply"), "no column 'reply'"),
    ],
)
def test_mistakes(run, tmp_path, options, said):
    code, out, err = run(*options)
    assert code == 2 and out == "" and "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("condensers: ") and said in err
    assert not (tmp_path / "out").exists()


def test_classes_are_written_after_their_rows(run, tmp_path):
    make_rows(6).to_parquet(tmp_path / "source" / "train.parquet")
    (tmp_path / "source" / "test.parquet").unlink()
    code, out, err = run("--per-class", 8, *ADAPTER)
    assert code == 0, err
    assert load_dataset(str(tmp_path / "out"), split="train")["label"][:] == [0] * 8 + [1] * 8 + [2] * 8


def test_help_names_every_option_in_its_place(run, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["condensers", "generate", "--help"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    for panel in (
        "What is written, sifted and answered",
        "The adapter: softsrv",
        "What is asked for: prompt_template",
    ):
        assert panel in shown
    assert "Example: condensers generate openai/gsm8k" in shown and "--against" in shown


def test_what_it_wrote_is_evaluated_as_questions(run, monkeypatch, capsys):
    def evaluate(*options):
        given = ["evaluate", "out", "--against", "source", "--metrics", "fid,diversity,decontamination", *options]
        monkeypatch.setattr(sys, "argv", ["condensers", *given])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        return stop.value.code or 0, shown.out, shown.err

    monkeypatch.setattr("condensers.embedding.load_embedder", lambda *args, **given: WordEmbedder())
    with FakeServer(answering) as server:
        assert run(*ADAPTER, "--total", 6, "--llm", f"fake@{server.base_url}")[0] == 0
    assert load_dataset("out", split="train").column_names[:2] == ["prompt", "completion"]
    code, out, err = evaluate()
    assert code == 0, err
    assert "6 rows of softsrv; similarity" in out and "no classifier was trained" in out
    assert "fid" in out and "ngram_contaminated" in out
    found = json.loads(evaluate("--json")[1])
    assert found["scores"] == {} and 0 < found["similarity"] <= 1
    code, _, err = evaluate("--learners", "linear_probe")
    assert code == 2 and "no labels, so linear_probe cannot be trained" in err


@pytest.mark.slow
def test_killed_while_it_trains_and_started_again_it_gives_the_same_rows(run, tmp_path):
    code = (
        "from condensers.methods import condenser\nfrom word_embedder import WordEmbedder\n"
        "condenser.load_embedder = lambda *args, **given: WordEmbedder()\nfrom condensers.cli import main\n"
        "from condensers.data import progress\nprogress.LOG_DELAY = 0.0\nmain()\n"
    )

    def start(cache):
        options = ["generate", "source", "--answer", "none", "--total", "9", *map(str, ADAPTER), "--max-steps", "60"]
        place = {"HF_DATASETS_CACHE": tmp_path / cache}
        return WarmProcess(
            code, *options, "--no-report", "--output", f"out-{cache}", folder=tmp_path, environment=place
        )

    killed = start("killed")
    killed.kill_once(lambda: any(path.match("checkpoint-*/whole") for path in files_below(tmp_path / "killed")))
    assert not (tmp_path / "out-killed").exists() and not list((tmp_path / "killed").rglob("learned"))
    resumed = start("killed")
    resumed.finish()
    first = int(re.search(r"Training: +\d+%\|[^|]*\| (\d+)/60", resumed.err)[1])
    assert 0 < first < 60
    start("whole").finish()
    rows = [next((tmp_path / f"out-{name}" / "data").iterdir()) for name in ("killed", "whole")]
    assert rows[0].read_bytes() == rows[1].read_bytes()
