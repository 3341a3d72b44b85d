from condensers.sharing import HubName, hub_name, public_name


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


def test_what_others_may_read():
    assert public_name("/home/somebody/models/minilm/") == "minilm"
    assert public_name("C:\\models\\minilm") == "minilm"
    assert public_name("/cache/models--me--lm/snapshots/abc") == "me/lm"
    for name in ("me/lm", "words", "bge@http://localhost:8000/v1"):
        assert public_name(name) == name
