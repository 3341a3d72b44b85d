import sys

import pytest

from condensers.cli import main


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs a command in an empty folder, and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["condensers", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        output = capsys.readouterr()
        assert (stop.value.code or 0) == code, output.err
        return output

    return call
