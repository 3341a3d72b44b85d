import json
import logging
import traceback

import pytest
from conftest import make_rows
from datasets import Dataset, load_dataset
from hub_stand_in import READ_TOKEN, WRITE_TOKEN, Fault
from huggingface_hub import DatasetCard, HfApi

from condensers import publish
from condensers.errors import AccessError, CondensersError, ConflictError, LeakError, ServiceError, SettingError
from condensers.hub import load_condensed, released_on_failure, reserve, save_condensed
from condensers.methods import HerdingCondenser

NAME = "me/few"


def stored(hub):
    return hub.repositories["dataset", NAME]


def loaded(tmp_path, **options):
    return load_dataset(NAME, split="train", cache_dir=str(tmp_path / "cache"), **options)


def test_what_was_published_loads_as_it_was(hub, few, condenser, tmp_path):
    done = publish(few, NAME, run=condenser)
    again = loaded(tmp_path)
    assert again.features == few.features
    assert again.to_dict() == few.to_dict()
    assert DatasetCard.load(NAME).content == done.card
    assert (done.private, stored(hub).private) == (True, True)
    assert [commit.title for commit in stored(hub).history()] == ["6 rows by herding", "initial commit"]
    assert set(done.files) == set(stored(hub).files()) and done.commit == stored(hub).branches["main"]


def test_a_folder_is_published_with_the_record_in_it(hub, few, condenser, tmp_path):
    save_condensed(few, tmp_path / "out", condenser.run_)
    publish(tmp_path / "out", NAME, private=False)
    assert loaded(tmp_path).to_dict() == few.to_dict()
    record = json.loads(stored(hub).files()["condensers_run.json"])
    assert record == json.loads(json.dumps(condenser.run_.to_json()))
    assert not stored(hub).private
    # What was downloaded is a condensed dataset like any other.
    folder = HfApi().snapshot_download(NAME, repo_type="dataset")
    assert load_condensed(folder)[1].method == "herding"


def test_rows_need_the_record_of_their_run(hub, few, condenser, tmp_path):
    with pytest.raises(SettingError, match="run=condenser"):
        publish(few, NAME)
    save_condensed(few, tmp_path / "out", condenser.run_)
    with pytest.raises(SettingError, match="leave `run` out"):
        publish(tmp_path / "out", NAME, run=condenser)
    assert not hub.requests


def test_published_again_it_takes_the_place_of_what_was_there(hub, few, condenser, tmp_path):
    publish(few, NAME, run=condenser)
    other = condenser.condense(per_class=3)
    publish(other, NAME, run=condenser)
    assert loaded(tmp_path).to_dict() == other.to_dict()
    assert len([name for name in stored(hub).files() if name.startswith("data/")]) == 1
    before = len(stored(hub).history())
    publish(other, NAME, run=condenser)
    assert len(stored(hub).history()) == before == 3


def test_a_branch_of_its_own(hub, few, condenser, tmp_path):
    publish(few, NAME, run=condenser)
    publish(condenser.condense(per_class=3), NAME, run=condenser, revision="larger")
    assert (len(loaded(tmp_path)), len(loaded(tmp_path, revision="larger"))) == (6, 9)


def test_a_public_repository_is_meant_to_be(hub, few, condenser):
    hub.add(NAME, {})
    with pytest.raises(SettingError, match=r"public.*private=False"):
        publish(few, NAME, run=condenser)
    assert stored(hub).files() == {}
    publish(few, NAME, run=condenser, private=False)
    assert "README.md" in stored(hub).files()


def test_what_others_put_there_stays(hub, few, condenser):
    hub.add(NAME, {"data/train-0.parquet": b"PAR1", "README.md": "# Mine"}, private=True)
    with pytest.raises(SettingError, match="has not published"):
        publish(few, NAME, run=condenser)
    assert stored(hub).files() == {"data/train-0.parquet": b"PAR1", "README.md": b"# Mine"}


@pytest.mark.parametrize(
    ("at", "status", "error", "says"),
    [
        ("create", 401, AccessError, "hf auth login"),
        ("create", 403, AccessError, "may not write"),
        ("create", 500, ServiceError, "fails"),
        ("info", 500, ServiceError, "fails"),
        ("validate_yaml", 500, (ServiceError, SettingError), "could not be written to"),
        ("preupload", 401, AccessError, "hf auth login"),
        ("preupload", 403, AccessError, "may not write"),
        ("lfs_batch", 500, ServiceError, "fails"),
        ("upload", 403, AccessError, "may not write"),
        ("upload", 0, ServiceError, "connection"),
        ("verify", 0, ServiceError, "connection"),
        ("commit", 0, ServiceError, "connection"),
        ("commit", 401, AccessError, "hf auth login"),
        ("commit", 403, AccessError, "may not write"),
        ("commit", 409, ConflictError, "somebody else"),
        ("commit", 412, ConflictError, "somebody else"),
        ("commit", 500, ServiceError, "fails"),
    ],
)
def test_after_a_fault_nothing_is_there_and_publishing_again_completes(
    hub, few, condenser, tmp_path, no_waiting, at, status, error, says
):
    # The client tries some steps up to six times.
    hub.plant(Fault(at, status=status, times=6))
    with pytest.raises(error, match=says):
        publish(few, NAME, run=condenser)
    assert ("dataset", NAME) not in hub.repositories
    hub.faults.clear()
    publish(few, NAME, run=condenser)
    assert loaded(tmp_path).to_dict() == few.to_dict()


@pytest.mark.parametrize("at", ["upload", "verify", "preupload", "lfs_batch"])
def test_one_dropped_connection_is_nothing_to_speak_of(hub, few, condenser, tmp_path, no_waiting, at):
    hub.plant(Fault(at), Fault(at, status=500))
    publish(few, NAME, run=condenser)
    assert loaded(tmp_path).to_dict() == few.to_dict()


@pytest.mark.parametrize("status", [0, 409])
def test_a_fault_leaves_what_was_there_before(hub, few, condenser, tmp_path, no_waiting, status):
    publish(few, NAME, run=condenser)
    before = stored(hub).files()
    other = condenser.condense(per_class=3)
    hub.plant(Fault("commit", status=status))
    with pytest.raises(CondensersError, match="is as it was"):
        publish(other, NAME, run=condenser)
    assert stored(hub).files() == before
    publish(other, NAME, run=condenser)
    assert loaded(tmp_path).to_dict() == other.to_dict()


def test_a_commit_whose_answer_was_lost_is_found_again(hub, few, condenser, tmp_path):
    hub.plant(Fault("commit", done=True))
    with pytest.raises(ServiceError, match="has arrived"):
        publish(few, NAME, run=condenser)
    done = publish(few, NAME, run=condenser)
    assert len(stored(hub).history()) == 2 and done.commit == stored(hub).branches["main"]
    assert loaded(tmp_path).to_dict() == few.to_dict()


def test_somebody_elses_commit_is_not_overwritten(hub, few, condenser):
    publish(few, NAME, run=condenser)
    place = reserve(NAME)
    hub.change(NAME, {"README.md": "# By hand"})
    with pytest.raises(ConflictError, match="somebody else"):
        publish(condenser.condense(per_class=3), NAME, run=condenser, reservation=place)
    assert stored(hub).files()["README.md"] == b"# By hand"


def test_a_repository_that_cannot_be_taken_back_is_said_to_be_empty(hub, few, condenser, tmp_path):
    hub.plant(Fault("commit", status=403), Fault("delete", status=403))
    with pytest.raises(AccessError, match="made and left empty"):
        publish(few, NAME, run=condenser)
    assert stored(hub).files() == {}
    publish(few, NAME, run=condenser)
    assert loaded(tmp_path).to_dict() == few.to_dict()


def test_a_name_that_is_none_is_told_before_anything_is_sent(hub, few, condenser):
    with pytest.raises(SettingError, match="user/name"):
        publish(few, "me//few", run=condenser)
    assert not hub.requests


def test_offline_it_says_so(hub, few, condenser, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ServiceError, match="HF_HUB_OFFLINE"):
        publish(few, NAME, run=condenser)


@pytest.mark.parametrize(("token", "says"), [(READ_TOKEN, "write"), ("hf_nobody", "hf auth login"), (None, "log")])
def test_who_may_not_write_is_told_so(hub, few, condenser, monkeypatch, token, says):
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(AccessError, match=says):
        publish(few, NAME, run=condenser)
    assert not hub.repositories


def test_a_dry_run_sends_nothing(hub, few, condenser):
    done = publish(few, NAME, run=condenser, dry_run=True)
    assert done.commit is None and sorted(done.files)[0] == "README.md" and NAME in done.card
    assert not hub.requests


def test_a_licence_that_the_hub_does_not_know_is_refused_before_the_upload(hub, few, condenser):
    with pytest.raises(SettingError, match="license"):
        publish(few, NAME, run=condenser, licence="my-own")
    assert "upload" not in hub.requests and ("dataset", NAME) not in hub.repositories


def test_what_the_guard_refuses_is_never_sent(hub, few, condenser):
    texts = [*few["text"][:5], "write to jane.roe@example.org"]
    rows = Dataset.from_dict({**few.to_dict(), "text": texts}, features=few.features)
    with pytest.raises(LeakError, match="row 5"):
        publish(rows, NAME, run=condenser)
    assert not hub.requests
    done = publish(rows, NAME, run=condenser, allow_personal_data=True)
    assert "email address 1" in done.card


def test_what_is_sent_names_no_place_on_the_disk_and_no_dropped_text(hub, embedder, tmp_path):
    from dataclasses import replace

    make_rows().to_parquet(tmp_path / "rows.parquet")
    condenser = HerdingCondenser(embedder=embedder)
    rows = condenser.condense(str(tmp_path / "rows.parquet"), per_class=2)
    generation = {"written": 9, "dropped": {"contaminated": 1}, "left_over": 2, "row_format": "source", "against": "t"}
    examples = {"examples": {"contaminated": [{"text": "SECRET TEST ROW", "why": "copy"}]}}
    run = replace(condenser.run_, generation={**generation, **examples, "generator": None})
    publish(rows, NAME, run=run, allow_copies=True)
    sent = b"".join(content for _, _, content in hub.heard)
    assert str(tmp_path).encode() not in sent and b"SECRET TEST ROW" not in b"".join(stored(hub).files().values())
    assert json.loads(stored(hub).files()["condensers_run.json"])["source"]["path"] == "rows.parquet"


def test_a_setting_with_a_password_in_it_is_refused(hub, few, condenser):
    from dataclasses import replace

    run = replace(condenser.run_, settings={**condenser.run_.settings, "embedder": "m@http://joe:s3cr3tpw@host/v1"})
    with pytest.raises(LeakError, match="README.md"):
        publish(few, NAME, run=run)
    assert not hub.requests


def test_the_token_is_nowhere_but_in_the_headers(hub, few, condenser, tmp_path, caplog, capfd, no_waiting):
    caplog.set_level(logging.INFO)
    told = []
    faults = [("create", 401), ("preupload", 403), ("upload", 0), ("commit", 0), ("commit", 412)]
    for at, status in faults:
        message = f"the token {WRITE_TOKEN} is not good" if status else None
        hub.plant(Fault(at, status=status, message=message, times=6))
        try:
            publish(few, NAME, run=condenser, token=WRITE_TOKEN)
        except CondensersError as error:
            told += ["".join(traceback.format_exception(error)), repr(error)]
        hub.faults.clear()
    done = publish(few, NAME, run=condenser, token=WRITE_TOKEN)
    assert len(told) == 2 * len(faults)
    place = repr(reserve(NAME, token=WRITE_TOKEN))
    output = capfd.readouterr()
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for text in (*told, repr(done), place, output.out, output.err, logged):
        assert WRITE_TOKEN not in text
    assert not any(WRITE_TOKEN.encode() in content for content in stored(hub).files().values())
    assert not any(WRITE_TOKEN in path or WRITE_TOKEN.encode() in body for _, path, body in hub.heard)


def test_a_refused_repository_gets_no_branch(hub):
    hub.add(NAME, {})
    with pytest.raises(SettingError, match="public"):
        reserve(NAME, revision="next")
    assert list(stored(hub).branches) == ["main"]


def test_what_is_in_use_is_not_taken_back(hub, few, condenser):
    place = reserve(NAME, revision="next")
    hub.change(NAME, {"notes.md": "mine"})
    with pytest.raises(ServiceError, match="as it was"), released_on_failure(place):
        raise ServiceError("out of money.")
    assert stored(hub).files() == {"notes.md": b"mine"}


def test_a_reservation_that_came_to_nothing_is_taken_back(hub):
    place = reserve(NAME, revision="next")
    assert place.created and stored(hub).branches["next"] == place.parent
    with pytest.raises(ServiceError, match="gone again"), released_on_failure(place):
        raise ServiceError("out of money.")
    assert not hub.repositories


def test_a_reservation_of_what_was_there_is_left_alone(hub, few, condenser):
    publish(few, NAME, run=condenser)
    before = stored(hub).files()
    with pytest.raises(KeyboardInterrupt), released_on_failure(reserve(NAME)):
        raise KeyboardInterrupt
    assert stored(hub).files() == before


def test_numbers_that_were_measured_go_with_the_rows_and_go_when_they_are_old(hub, few, condenser, tmp_path):
    save_condensed(few, tmp_path / "out", condenser.run_)
    measured = {"against": "/home/jane/test.csv", "n_test_rows": 9, "scores": {"linear_probe": {"accuracy": [0.5]}}}
    (tmp_path / "out" / "condensers_evaluation.json").write_text(json.dumps(measured))
    card = publish(tmp_path / "out", NAME).card
    assert "tested on 9 rows of test.csv" in card
    assert json.loads(stored(hub).files()["condensers_evaluation.json"])["against"] == "test.csv"
    publish(few, NAME, run=condenser)
    assert "condensers_evaluation.json" not in stored(hub).files()
