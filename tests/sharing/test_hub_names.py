from types import SimpleNamespace

from datasets import Dataset

from condensers.sharing import HubName, hub_name, source_of


def rows_from(*files):
    return SimpleNamespace(info=SimpleNamespace(download_checksums=dict.fromkeys(files, {})))


def test_names_on_the_hub(tmp_path):
    assert hub_name("google-t5/t5-base") == HubName("google-t5/t5-base")
    cached = "/somewhere/hub/models--google-t5--t5-base/snapshots/0db7e623"
    assert hub_name(cached) == HubName("google-t5/t5-base", "0db7e623")
    for place in (None, "", str(tmp_path), "/nowhere/t5", "./t5", "a/b/c", "me/b..c"):
        assert hub_name(place) is None


def test_a_folder_that_is_here_is_no_name_though_it_reads_like_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "inverter").mkdir(parents=True)
    assert hub_name("runs/inverter") is None


def test_where_rows_were_read_from():
    assert source_of(rows_from("hf://datasets/me/rows@abc/train.parquet", "hf://datasets/me/rows@abc/b.parquet")) == (
        HubName("me/rows", "abc")
    )
    assert source_of(rows_from("hf://datasets/me/rows@abc/a.parquet", "hf://datasets/me/other@abc/b.parquet")) is None
    assert source_of(rows_from("hf://datasets/me/rows@abc/a.parquet", "/home/me/b.parquet")) is None
    assert source_of(Dataset.from_dict({"text": ["a"]})) is None and source_of(None) is None
