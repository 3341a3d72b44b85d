"""Processes of their own for tests, forked from one in which the imports are done.

A fresh Python takes ten seconds of a processor to import torch, transformers and sentence-transformers. A forked one
serves as well where a process must be killed, remember nothing, or meet another. Where the imports themselves are
tested, `subprocess` is the way.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["condensers.cli.app", "condensers.methods", "condensers.rewards", "condensers.softsrv", "sentence_transformers"]
)


class WarmProcess:
    """A run of some code as ``python -c CODE ARGUMENTS`` would run it.

    Args:
        code: What to run.
        arguments: What follows in `sys.argv`.
        folder: Where it runs, and keeps its output and, unless `environment` says otherwise, its caches.
        environment: Variables that it has besides ours.
    """

    def __init__(self, code, *arguments, folder, environment=None):
        self._output = {name: Path(folder) / f"{name}-{id(self)}.txt" for name in ("out", "err")}
        argv = ["-c", *map(str, arguments)]
        given = {"HF_DATASETS_CACHE": Path(folder) / "cache", **(environment or {})}
        variables = {**os.environ, **{name: str(value) for name, value in given.items()}}
        self._process = _FORKS.Process(target=_run, args=(code, argv, str(folder), variables, self._output))
        self._process.start()
        self.pid = self._process.pid

    @property
    def out(self):
        return self._output["out"].read_text()

    @property
    def err(self):
        return self._output["err"].read_text()

    def poll(self):
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout=240):
        """Its exit code, once it has ended by itself or by a signal."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"it runs after {timeout} s; it said:\n{self.out}\n{self.err}")
        return self._process.exitcode

    def run_until(self, done, timeout=240):
        """Returns as soon as `done()` is true, while it still runs."""
        deadline = time.monotonic() + timeout
        while not done():
            assert self.poll() is None, f"it ended too early:\n{self.err[-3000:]}"
            assert time.monotonic() < deadline, f"it is not as far after {timeout} s:\n{self.err[-3000:]}"
            time.sleep(0.005)

    def kill_once(self, done, timeout=240):
        """Kills it, with no chance to tidy up, as soon as `done()` is true."""
        self.run_until(done, timeout)
        os.kill(self.pid, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def finish(self, timeout=240):
        """What it printed, once it has ended well."""
        assert self.wait(timeout) == 0, self.err[-3000:]
        return self.out


def files_below(folder):
    """Paths of the files below a folder in which a process may be at work: what vanishes meanwhile is passed over.

    `Path.rglob` raises FileNotFoundError there when a folder is renamed between its being listed and opened.
    """
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def start_on_two(code, *arguments, folder):
    """Starts some code on two processes that know of each other, as torchrun would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    return [
        WarmProcess(
            code,
            *arguments,
            folder=folder,
            environment={**shared, "RANK": rank, "LOCAL_RANK": rank, "ACCELERATE_USE_CPU": "true"},
        )
        for rank in range(2)
    ]


def run_on_two(code, *arguments, folder):
    """Runs some code on two processes that know of each other; what each of them printed."""
    both = start_on_two(code, *arguments, folder=folder)
    codes = [process.wait() for process in both]
    assert codes == [0, 0], "\n".join(process.err[-3000:] for process in both)
    return [process.out for process in both]


def _run(code, argv, folder, environment, output):
    import datasets

    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(output[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # Where the tests run in the background of a shell, Ctrl-C is ignored, which forked processes inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # `datasets` read the environment when it was imported.
    datasets.config.HF_DATASETS_CACHE = Path(environment["HF_DATASETS_CACHE"])
    sys.argv = argv
    try:
        exec(compile(code, "<code of a test>", "exec"), {"__name__": "__main__"})
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
