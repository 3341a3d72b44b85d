import runpy
from pathlib import Path

import pytest
from conftest import make_rows
from datasets import Dataset
from huggingface_hub import HfApi

SCRIPT = Path(__file__).parents[2] / "hub_scripts" / "condense_dataset.py"


@pytest.mark.models
def test_the_target_is_made_first_and_private(tmp_path, monkeypatch, capsys):
    calls = []

    def create(self, repo_id, **options):
        calls.append(("create", repo_id, options["repo_type"], options["private"]))
        return "URL"

    def push(self, repo_id, private):
        calls.append(("push", repo_id, len(self), private))

    monkeypatch.setattr(HfApi, "create_repo", create)
    monkeypatch.setattr(Dataset, "push_to_hub", push)
    make_rows().to_parquet(tmp_path / "rows.parquet")
    main = runpy.run_path(str(SCRIPT))["main"]
    options = ["--method", "herding", "--per-class", "2", "--embedder", "offline"]
    main([str(tmp_path / "rows.parquet"), "me/small", *options])
    assert calls == [("create", "me/small", "dataset", True), ("push", "me/small", 6, True)]
    assert "6 rows of" in capsys.readouterr().out


def test_a_mistake_is_met_before_a_repository_is_made(monkeypatch):
    from condensers.errors import SettingError

    monkeypatch.setattr(HfApi, "create_repo", lambda *_, **__: pytest.fail("a repository was created"))
    with pytest.raises(SettingError, match="no method 'magic'"):
        runpy.run_path(str(SCRIPT))["main"](["x.csv", "me/small", "--method", "magic", "--per-class", "1"])
