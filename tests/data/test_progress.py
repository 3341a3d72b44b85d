"""Progress bars: alive on a terminal, few lines in a log."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress

import pytest

from condensers.data import progress, progress_bar

SCRIPT = """
import time
from condensers.data import progress_bar
with progress_bar(total=3, desc="Embedding", unit="row") as bar:
    for _ in range(3):
        time.sleep(0.15)
        bar.update()
"""


def run_through(n=12, **settings):
    for _ in progress_bar(range(n), desc="Embedding", unit="row", **settings):
        time.sleep(0.02)


def test_a_log_gets_nothing_of_what_is_over_soon(capsys):
    run_through()
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_whole_lines_and_few_of_them(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_DELAY", 0.05)
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.08)
    run_through()
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("\n") and "\r" not in err and "\n\n" not in err
    lines = err.splitlines()
    assert all(line.startswith("Embedding: ") for line in lines) and "12/12" in lines[-1]
    assert 2 <= len(lines) <= 6


@pytest.mark.parametrize("iterate", [True, False])
def test_a_hidden_bar_writes_nothing(capsys, monkeypatch, iterate):
    monkeypatch.setattr(progress, "LOG_DELAY", 0.0)
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)
    if iterate:
        run_through(shown=False)
    else:
        with progress_bar(total=2, shown=False) as bar:
            bar.update(2)
            bar.set_postfix(loss=1.0, refresh=False)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_it_move_at_once():
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    shown = ""
    with suppress(OSError), os.fdopen(ours, "rb", buffering=0) as screen:  # the end is an error on Linux
        while part := screen.read(4096):
            shown += part.decode()
    assert all(f"{i}/3" in shown for i in range(4)) and shown.count("\r") > 3
