"""The stand-in answers the unmodified clients as the Hub does."""

import subprocess
import sys

import pytest
from conftest import make_rows
from datasets import load_dataset
from hub_stand_in import READ_TOKEN, Fault
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, DatasetCard, HfApi, HfFileSystem
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError


def loaded(name, tmp_path, **options):
    return load_dataset(name, split="train", cache_dir=str(tmp_path / "cache"), **options)


def test_rows_that_were_pushed_load_again(hub, tmp_path):
    rows = make_rows()
    rows.push_to_hub("me/rows", private=True)
    again = loaded("me/rows", tmp_path)
    assert again.features == rows.features
    assert again.to_dict() == rows.to_dict()
    assert hub.repositories["dataset", "me/rows"].private
    assert len(hub.storage) == 1 and hub.counts()["upload"] == hub.counts()["verify"] == 1


def test_an_older_revision_loads_by_its_commit(hub, tmp_path):
    make_rows().push_to_hub("me/rows")
    first = HfApi().dataset_info("me/rows").sha
    make_rows(per_class=2).push_to_hub("me/rows")
    assert len(loaded("me/rows", tmp_path)) == 6
    assert len(loaded("me/rows", tmp_path, revision=first)) == 36


def test_a_private_repository_is_there_for_its_owner_alone(hub, tmp_path, monkeypatch):
    make_rows().push_to_hub("me/rows", private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_unknown")
    with pytest.raises(HfHubHTTPError, match="401"):
        HfApi().dataset_info("me/rows")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RepositoryNotFoundError, match="401"):
        HfApi().dataset_info("me/rows")


def test_who_may_write(hub, monkeypatch):
    assert HfApi().whoami()["name"] == "me"
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi().create_repo("you/rows", repo_type="dataset")
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    with pytest.raises(HfHubHTTPError, match="write token"):
        HfApi().create_repo("me/rows", repo_type="dataset")
    assert not hub.repositories


def test_a_repository_is_made_once(hub):
    assert HfApi().create_repo("me/model").repo_id == "me/model"
    with pytest.raises(HfHubHTTPError, match="409"):
        HfApi().create_repo("me/model")
    assert HfApi().create_repo("me/model", exist_ok=True).repo_id == "me/model"
    HfApi().delete_repo("me/model")
    assert not HfApi().repo_exists("me/model")


def test_commits_have_parents_and_change_what_they_name(hub, tmp_path):
    api = HfApi()
    api.create_repo("me/model")
    first = api.create_commit(
        "me/model",
        [CommitOperationAdd("a/one.txt", b"1"), CommitOperationAdd("a/two.bin", b"2" * 100)],
        commit_message="Two files",
    )
    api.create_commit("me/model", [CommitOperationDelete("a/one.txt")], commit_message="One less")
    assert api.list_repo_files("me/model") == [".gitattributes", "a/two.bin"]
    assert [commit.title for commit in api.list_repo_commits("me/model")] == [
        "One less",
        "Two files",
        "initial commit",
    ]
    with pytest.raises(HfHubHTTPError, match="412"):
        api.create_commit("me/model", [CommitOperationAdd("b", b"")], commit_message="Late", parent_commit=first.oid)
    old = api.hf_hub_download("me/model", "a/one.txt", revision=first.oid)
    assert open(old, "rb").read() == b"1"
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("me/model", "a/one.txt")
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download("me/model", "a/two.bin", revision="nowhere")


def test_what_a_tree_and_a_path_hold(hub):
    hub.add("me/rows", {"README.md": "# Rows", "data/train.parquet": b"PAR1" * 9})
    api = HfApi()
    large = {
        f.path: f.lfs and f.lfs.size
        for f in api.list_repo_tree("me/rows", repo_type="dataset", recursive=True)
        if hasattr(f, "lfs")
    }
    assert large == {".gitattributes": None, "README.md": None, "data/train.parquet": 36}
    assert [f.path for f in api.list_repo_tree("me/rows", repo_type="dataset")] == [
        "data",
        ".gitattributes",
        "README.md",
    ]
    assert [f.path for f in api.get_paths_info("me/rows", ["README.md", "none"], repo_type="dataset")] == ["README.md"]
    assert HfFileSystem().cat("datasets/me/rows/data/train.parquet") == b"PAR1" * 9


def test_branches_and_tags(hub):
    hub.add("me/rows", {"a.txt": "1"})
    api = HfApi()
    api.create_tag("me/rows", tag="v1", repo_type="dataset")
    api.create_branch("me/rows", branch="next", repo_type="dataset")
    hub.change("me/rows", {"a.txt": "2"})
    refs = api.list_repo_refs("me/rows", repo_type="dataset")
    assert [ref.name for ref in refs.branches] == ["main", "next"] and [ref.name for ref in refs.tags] == ["v1"]
    assert hub.repositories["dataset", "me/rows"].files("v1") == {"a.txt": b"1"}
    api.delete_tag("me/rows", tag="v1", repo_type="dataset")
    assert not api.list_repo_refs("me/rows", repo_type="dataset").tags


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ("license: mit\nsize_categories: n<1K\nlanguage: [en]", None),
        ("license: my-own", "license"),
        ("size_categories: small", "size_categories"),
        ("language: English", "language"),
        ("configs: [{config_name: default}]", "data_files"),
        ("tags: [1]", "tags"),
    ],
)
def test_cards_are_checked(hub, metadata, complaint):
    card = DatasetCard(f"---\n{metadata}\n---\n# Rows")
    if complaint is None:
        card.validate()
    else:
        with pytest.raises(ValueError, match=complaint):
            card.validate()


@pytest.mark.parametrize("at", ["preupload", "upload", "commit"])
def test_a_fault_happens_as_often_as_it_was_planted(hub, at, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    api = HfApi()
    api.create_repo("me/model")
    hub.plant(Fault(at, status=403, times=2))
    for _ in range(2):
        with pytest.raises((HfHubHTTPError, RuntimeError)):
            api.upload_file(path_or_fileobj=b"0" * 9, path_in_repo="a.bin", repo_id="me/model")
        assert hub.repositories["model", "me/model"].files() == {}
    api.upload_file(path_or_fileobj=b"0" * 9, path_in_repo="a.bin", repo_id="me/model")
    assert hub.repositories["model", "me/model"].files() == {"a.bin": b"0" * 9}


def test_a_dropped_connection_is_tried_again_by_the_client(hub, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.plant(Fault("upload"))
    make_rows().push_to_hub("me/rows")
    assert hub.counts()["upload"] == 2


def test_a_program_of_its_own_finds_it(hub, tmp_path):
    hub.add("me/notes", {"a.txt": "hello"}, kind="model", private=True)
    code = "from huggingface_hub import hf_hub_download; print(open(hf_hub_download('me/notes', 'a.txt')).read())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=hub.environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "hello"
