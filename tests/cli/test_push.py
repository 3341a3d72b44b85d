import json
import subprocess
import sys

import pytest
from conftest import make_rows
from datasets import load_dataset


@pytest.fixture
def condense(tmp_path, embedder, monkeypatch):
    """The command without its budget and its places, with words for an embedder."""
    monkeypatch.setattr("condensers.methods.condenser.load_embedder", lambda name, prompt=None: embedder)
    make_rows().to_parquet(tmp_path / "rows.parquet")
    return ("condense", "rows.parquet", "--method", "herding", "--no-report")


def loaded(tmp_path):
    return load_dataset("me/few", split="train", cache_dir=str(tmp_path / "cache"))


def test_condense_then_push(run, condense, hub, tmp_path):
    run(*condense, "--per-class", 2, "--output", "out")
    plan = run("push", "out", "me/few", "--dry-run", "--licence", "cc-by-4.0")
    assert "license: cc-by-4.0" in plan.out and "Nothing was sent." in plan.err and "data/train-" in plan.err
    assert not hub.requests
    said = run("push", "out", "me/few", "--language", "en,de", "--licence", "cc-by-4.0").err
    assert "Published at" in said and "(private)" in said
    assert len(loaded(tmp_path)) == 6
    assert b"- de" in hub.repositories["dataset", "me/few"].files()["README.md"]


def test_push_for_programs(run, condense, hub):
    run(*condense, "--per-class", 1, "--output", "out")
    found = json.loads(run("push", "out", "me/few", "--public", "--json").out)
    repository = hub.repositories["dataset", "me/few"]
    assert (found["commit"], found["private"], repository.private) == (repository.branches["main"], False, False)


def test_mistakes_end_with_a_sentence(run, condense, hub, tmp_path):
    run(*condense, "--per-class", 1, "--output", "out")
    hub.add("me/public", {})
    assert "--public" in run("push", "out", "me/public", code=2).err
    assert "may not write" in run("push", "out", "you/few", code=2).err
    assert "holds no condensed dataset" in run("push", ".", "me/few", code=2).err
    assert ("dataset", "me/few") not in hub.repositories


def test_what_looks_like_a_leak_stops_it(run, hub, condense, tmp_path):
    rows = make_rows().map(lambda row: {"text": row["text"] + " a@example.org"})
    rows.to_parquet(tmp_path / "rows.parquet")
    run(*condense, "--per-class", 1, "--output", "out")
    assert "--allow-personal-data" in run("push", "out", "me/few", code=2).err
    assert "would be refused" in run("push", "out", "me/few", "--dry-run").err
    assert not hub.requests
    run("push", "out", "me/few", "--allow-personal-data")
    assert b"email address 3" in hub.repositories["dataset", "me/few"].files()["README.md"]


def test_condense_and_push_in_one(run, condense, hub, tmp_path):
    said = run(*condense, "--per-class", 2, "--output", "out", "--push", "me/few").err
    assert "Published at" in said
    assert loaded(tmp_path).to_dict() == load_dataset("out", split="train").to_dict()


def test_the_repository_comes_before_the_work_and_goes_if_that_fails(run, condense, hub, monkeypatch, tmp_path):
    worked = []

    def work(self, *arguments, **settings):
        worked.append(list(hub.repositories))
        raise KeyboardInterrupt

    monkeypatch.setattr("condensers.methods.Condenser.condense", work)
    assert "may not write" in run(*condense, "--per-class", 2, "--output", "out", "--push", "you/few", code=2).err
    assert worked == []
    run(*condense, "--per-class", 2, "--output", "out", "--push", "me/few", code=130)
    assert worked == [[("dataset", "me/few")]] and not hub.repositories


def test_rows_that_may_not_be_published_stay_in_their_folder(run, condense, hub, tmp_path):
    make_rows().map(lambda row: {"text": row["text"] + " a@example.org"}).to_parquet(tmp_path / "rows.parquet")
    said = run(*condense, "--per-class", 1, "--output", "out", "--push", "me/few", code=2).err
    assert "--allow-personal-data" in said and "gone again" in said
    assert (tmp_path / "out" / "README.md").is_file() and not hub.repositories


@pytest.mark.slow
def test_as_programs_of_their_own(run, condense, hub, tmp_path):
    run(*condense, "--per-class", 2, "--output", "out")
    environment = {**hub.environment(tmp_path / "home"), "HF_DATASETS_CACHE": str(tmp_path / "home" / "datasets")}

    def start(*command):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done

    pushed = start("-m", "condensers", "push", "out", "me/few")
    assert environment["HF_TOKEN"] not in pushed.stdout + pushed.stderr
    code = "from datasets import load_dataset; print(load_dataset('me/few', split='train').to_dict())"
    read = start("-c", code).stdout
    assert read.strip().splitlines()[-1] == str(load_dataset("out", split="train").to_dict())
