"""`condensers condense` with a method that asks a language model: what it shows, and what it says of mistakes."""

import json
import sys

import pytest
from conftest import make_rows
from datasets import load_dataset
from methods.scripted import served, word
from tiny_classifiers import tiny_model, tiny_tokenizer

from condensers.cli import main
from condensers.llm.testing import FakeServer, Reply


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.01)
    make_rows(8).to_parquet(tmp_path / "rows.parquet")
    tiny_model().save_pretrained(tmp_path / "classifier")
    tiny_tokenizer().save_pretrained(tmp_path / "classifier")

    def call(*options, method="few_shot", output=("--output", "out", "--no-report")):
        arguments = ["condense", "rows.parquet", "--method", method, "--per-class", 2, "--embedder", "offline"]
        monkeypatch.setattr(sys, "argv", ["condensers", *map(str, [*arguments, *output, *options])])
        with pytest.raises(SystemExit) as stop:
            main()
        output = capsys.readouterr()
        return stop.value.code or 0, output.out, output.err

    return call


@pytest.mark.models
def test_condenselm_from_dry_run_to_card(run, tmp_path):
    with FakeServer(served) as server:
        options = ("--llm", f"fake@{server.base_url}", "--reward-model", "classifier", "--candidates", 3)
        prices = ("--input-price", 2, "--output-price", 8)
        code, out, err = run(*options, *prices, "--dry-run", "--json", method="condenselm")
        needed = json.loads(out)
        assert (code, needed["n_requests"], needed["n_rounds"]) == (0, 9, 1) and needed["cost"] > 0
        code, out, err = run(*options, *prices, "--dry-run", method="condenselm", output=())
        assert code == 0 and "condenselm: 1 round(s)" in out and "Nothing was sent." in err
        assert server.n_requests == 0 and not (tmp_path / "out").exists()
        code, out, err = run(*options, *prices, "--report", method="condenselm")
        assert code == 0, err
        assert server.n_requests == 9
    assert "condenselm: 6 of 24 rows" in out
    assert f"fake@{server.base_url}: 9 requests, " in err and ", cost 0.0" in err and "Rows asked for as json." in err
    rows = load_dataset(str(tmp_path / "out"), split="train")
    assert rows["label"][:] == [0, 0, 1, 1, 2, 2] and set(rows["condensed_round"][:]) == {1}
    record = json.loads((tmp_path / "out" / "condensers_run.json").read_text())
    assert record["llm"]["usage"]["requests"] == 9 and record["llm"]["events"]["replies"] == 9
    report = (tmp_path / "out" / "report.html").read_text()
    assert all(text in report for text in rows["text"][:])
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| spent | 9 requests, " in card and "`condensed_reward` is what a row was chosen by" in card


@pytest.mark.models
def test_stopped_at_a_limit_it_says_so(run, tmp_path):
    with FakeServer(served) as server:
        code, out, err = run(
            "--llm", f"fake@{server.base_url}", "--max-requests", 2, "--reply-format", "lines", "--concurrency", 1
        )
    assert code == 0, err
    assert "2 requests" in err and "It stopped at the limit max_requests=2" in err
    assert load_dataset(str(tmp_path / "out"), split="train")["label"][:] == [0, 0, 1, 1]


@pytest.mark.models
def test_aug_pe_in_private_leaves_nothing_of_the_rows_but_votes(run, tmp_path):
    def evolving(request):
        messages = request.body["messages"]
        return (
            "a subject" if "Name " in messages[-1]["content"] else f"text {word(str(messages), request.body['seed'])}"
        )

    sizes = ("--iterations", 2, "--variations", 1, "--initial", 2)
    private = ("--epsilon", 4, "--delta", 1e-6)
    with FakeServer(evolving) as server:
        options = ("--llm", f"fake@{server.base_url}", "--topic", "short texts", *sizes)
        code, out, err = run(*options, *private, "--dry-run", "--json", method="aug_pe", output=())
        assert code == 0 and json.loads(out)["n_requests"] == 3 * (1 + 4 + 2)
        code, out, err = run(*options, *private, "--dedup", "exact", method="aug_pe")
        assert code == 2 and "Pass `dedup='none'`" in err and server.n_requests == 0
        code, out, err = run(*options, *private, "--report", method="aug_pe")
        assert code == 0, err
        assert server.n_requests == 21
        assert "aug_pe: 6 rows" in out and " 24 " not in out
        assert "(epsilon, delta) = (4, 1e-06) for adding or removing one row" in err
        assert "There is no report" in err and not (tmp_path / "out" / "report.html").exists()
        code, out, err = run(*options, "--report", method="aug_pe", output=("--output", "plain"))
        assert code == 0 and "aug_pe: 6 of 24 rows" in out and "No privacy guarantee" in err
    rows = load_dataset(str(tmp_path / "out"), split="train")
    assert rows["label"][:] == [0, 0, 1, 1, 2, 2] and "condensed_parents" not in rows.column_names
    record = json.loads((tmp_path / "out" / "condensers_run.json").read_text())
    assert record["n_source_rows"] is None and record["privacy"]["epsilon"] == 4
    assert (tmp_path / "plain" / "report.html").is_file()


MISTAKES = {
    "no model": ([], "asks a language model, and none is set. Pass `llm=` (`--llm`): MODEL@BASE_URL"),
    "a cost without prices": (["--llm", "m@http://localhost:1/v1", "--max-cost", 1], "needs prices"),
    "a folder that is none": (["--llm", "./nowhere"], "there is no model folder at './nowhere'"),
    "an unknown form": (["--llm", "m@http://localhost:1/v1", "--reply-format", "xml"], "got 'xml'"),
    "a setting of another": (["--llm", "m@http://localhost:1/v1", "--candidates", 3], "takes no --candidates"),
    "a key in the address": (["--llm", "m@http://me:secret@localhost:1/v1"], "must hold no user, password"),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.models
def test_mistakes(run, tmp_path, name):
    options, said = MISTAKES[name]
    code, out, err = run(*options)
    assert code == 2 and out == "" and "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("condensers: ") and said in err
    assert "secret" not in err and not (tmp_path / "out").exists()


def test_rows_need_a_place(run):
    code, _, err = run(method="k_center", output=())
    assert code == 2 and "give --output a folder" in err


def test_options_of_a_language_model_beside_a_method_that_asks_none(run):
    code, _, err = run("--llm", "m@http://localhost:1/v1", "--dry-run", method="k_center")
    assert code == 2 and "'k_center' takes no --llm, --dry-run: it asks no language model" in err
    code, _, err = run("--matching-steps", 3, method="moderate")
    assert code == 2 and "'moderate' takes no --matching-steps: it has no such setting" in err


@pytest.mark.models
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=401, error="no"), "OPENAI_API_KEY is not set; put a key into it"),
        (Reply(status=404, error="no"), "has no model 'fake'"),
        (Reply(status=400, error="maximum context length is 10 tokens"), "not even one row of each class fits"),
    ],
)
def test_servers_that_refuse(run, tmp_path, reply, said):
    with FakeServer(lambda _: reply) as server:
        code, out, err = run("--llm", f"fake@{server.base_url}")
    assert code == 2 and said in err and "Traceback" not in err and not (tmp_path / "out").exists()


@pytest.mark.models
def test_a_server_that_is_down(run):
    with FakeServer() as server:
        address = server.base_url
    code, _, err = run("--llm", f"fake@{address}")
    assert code == 2 and f"the server {address} cannot be reached" in err


@pytest.mark.models
def test_compare_runs_methods_with_and_without_a_language_model(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    make_rows(8).to_parquet(tmp_path / "data" / "train.parquet")
    make_rows(4, seed=1).to_parquet(tmp_path / "data" / "test.parquet")

    def compare(*options):
        shared = ["compare", "data", "--methods", "random,few_shot", "--per-class", "2", "--embedder", "offline"]
        monkeypatch.setattr(sys, "argv", ["condensers", *shared, "--seeds", "2", "--json", *options])
        with pytest.raises(SystemExit) as stop:
            main()
        output = capsys.readouterr()
        return stop.value.code or 0, output.out, output.err

    with FakeServer(served) as server:
        code, out, err = compare("--llm", f"fake@{server.base_url}", "--reply-format", "json")
        assert code == 0, err
        assert server.n_requests == 2
    assert [(method["method"], method["rows"]) for method in json.loads(out)["methods"]] == [
        ("random", 6),
        ("few_shot", 6),
    ]
    code, _, err = compare()
    assert code == 2 and "none is set" in err


def _rewritten(request):
    """The first text of the last turn, the nearest, with a word that no other reply has."""
    shown = request.body["messages"][-1]["content"].split("<text>")[1].split("</text>")[0]
    return f"{shown} {word(request.text, request.body.get('seed'))}"


@pytest.mark.models
def test_pinr_from_dry_run_to_report(run, tmp_path):
    with FakeServer(_rewritten) as server:
        options = ("--llm", f"fake@{server.base_url}", "--num-rounds", 1, "--num-candidates", 2)
        code, out, err = run(*options, "--dry-run", "--json", method="pinr")
        assert (code, json.loads(out)["n_requests"], server.n_requests) == (0, 6 * (2 + 3), 0), err
        code, out, err = run(*options, "--report", method="pinr")
        assert code == 0, err
        assert server.n_requests == 30
    assert "pinr: 6 of 24 rows" in out and "30 requests" in err
    rows = load_dataset(str(tmp_path / "out"), split="train")
    assert rows["label"][:] == [0, 0, 1, 1, 2, 2]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| spent | 30 requests, " in card and "condensed_reward" not in card
    assert "Of the rows, 0 are source rows" in card
    report = (tmp_path / "out" / "report.html").read_text()
    assert "How the particles settled" in report and "after round 1 of refinement" in report
    assert report.count('href="#aim"') == 6


def test_points_need_something_that_writes(run):
    code, _, err = run(method="dallme")
    assert code == 2 and "Pass `inverter=` (`--inverter`)" in err and "or `llm=` (`--llm`)" in err
    code, _, err = run("--num-rounds", 1, "--inverter", "somewhere", method="dallme")
    assert code == 2 and "takes no --num-rounds" in err
