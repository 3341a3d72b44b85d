"""Code of a language model: judged by its tests, held within its limits."""

import os
import time

import pytest

from condensers.errors import SettingError
from condensers.evaluation.code_execution import passes_tests

TWICE = "def twice(x):\n    return 2 * x"


def test_right_and_wrong_code():
    assert passes_tests(TWICE, ["assert twice(2) == 4", "assert twice('a') == 'aa'"])
    assert not passes_tests(TWICE, ["assert twice(2) == 4", "assert twice(2) == 5"])
    assert not passes_tests("def twice(x):\n  retur 2", ["assert True"])
    assert passes_tests("import math\nfrom heapq import merge", ["assert ready and math.pi > 3"], setup="ready = True")


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "import os; os._exit(1)",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "raise MemoryError",
        "def f(): return f()\nf()",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_code_that_ends_before_its_tests_has_not_passed(code):
    assert not passes_tests(code, ["assert True"])


@pytest.mark.parametrize(
    "deed",
    [
        "import socket; socket.socket().connect(('127.0.0.1', {port}))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "open('{path}', 'w').write('x')",
        "import os; os.open('{path}', os.O_WRONLY | os.O_CREAT)",
        "import os; os.system('touch {path}')",
        "import subprocess; subprocess.run(['touch', '{path}'])",
        "import os; os.fork()",
        "import os; os.remove('{there}')",
        "import shutil; shutil.rmtree('{folder}')",
        "import ctypes; ctypes.CDLL(None).system(b'touch {path}')",
        "import os; assert os.environ.get('SECRET')",
        "x = bytearray(3 << 30)",
    ],
)
def test_what_code_may_not_do(deed, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "key")
    there = tmp_path / "there"
    there.write_text("kept")
    names = {"path": tmp_path / "made", "there": there, "folder": tmp_path, "port": 1}
    assert passes_tests("x = 1", ["assert x"])
    assert not passes_tests(deed.format(**names), ["assert True"])
    assert not (tmp_path / "made").exists() and there.read_text() == "kept"


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_code_that_does_not_end_is_ended(code):
    began = time.monotonic()
    assert not passes_tests(code, ["assert True"], seconds=1)
    assert time.monotonic() - began < 20
    assert os.getcwd()


def test_a_network_that_is_there_is_not_reached():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        assert not passes_tests(f"import socket\nsocket.create_connection(('127.0.0.1', {port}))", ["assert True"])
        with pytest.raises(TimeoutError):
            server.accept()


def test_mistakes():
    with pytest.raises(SettingError, match="`seconds` and `megabytes` must be above 0; got 0 and 1024"):
        passes_tests(TWICE, ["assert True"], seconds=0)
    with pytest.raises(SettingError, match="at least one statement"):
        passes_tests(TWICE, [])
