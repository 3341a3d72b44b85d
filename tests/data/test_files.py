import errno
import os

import pytest

from condensers.data import cache_folder, check_output, new_folder, write_json
from condensers.errors import OutputExistsError, StorageError


def test_a_folder_appears_whole(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a.txt").read_text() == "a"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("a")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_what_was_there(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    with pytest.raises(KeyError), new_folder(tmp_path / "out", overwrite=True):
        raise KeyError
    assert (tmp_path / "out" / "old.txt").read_text() == "old"
    with new_folder(tmp_path / "out", overwrite=True) as folder:
        (folder / "new.txt").write_text("new")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["new.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_is_there_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("a")
    with pytest.raises(OutputExistsError, match="not empty"):
        check_output(tmp_path / "out")
    with pytest.raises(FileExistsError, match="is a file"):
        check_output(tmp_path / "out" / "a.txt")


def test_a_full_disk_is_one_clear_error(tmp_path):
    with pytest.raises(StorageError, match="No space left.*nothing was left"), new_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="no permission"):
        check_output(tmp_path / "out")


def test_json_replaces_at_once(tmp_path):
    write_json(tmp_path / "a.json", {"é": 1})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_cache_folder_appears_whole_or_not_at_all(tmp_path):
    place = tmp_path / "cache" / "part"
    with pytest.raises(ValueError, match="stop"), cache_folder(place) as folder:
        (folder / "weights").write_text("half")
        raise ValueError("stop")
    assert list(place.parent.iterdir()) == []
    with cache_folder(place) as folder:
        (folder / "weights").write_text("whole")
        assert not place.exists()
    assert [path.name for path in place.parent.iterdir()] == ["part"]
    assert (place / "weights").read_text() == "whole"


def test_a_cache_folder_that_another_process_made_meanwhile_stays(tmp_path):
    place = tmp_path / "part"
    with cache_folder(place) as folder:
        (folder / "weights").write_text("ours")
        place.mkdir()
        (place / "weights").write_text("theirs")
    assert (place / "weights").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [place]


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="HF_DATASETS_CACHE"), cache_folder(tmp_path / "file" / "part"):
        pytest.fail("there is no place for it")
