"""Whether code that a language model wrote does what its tests ask, found out in a process of its own."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from condensers.errors import SettingError

# Runs in the other process. The exit code that means success is drawn anew each time: code that ends the process early
# does not know it.
_RUNNER = r"""
import contextlib, ctypes, json, os, resource, sys

given = json.load(sys.stdin)
for limit, value in given["limits"].items():
    resource.setrlimit(getattr(resource, limit), (value, value))
# A network namespace of its own, with nothing in it, where the kernel lets a user have one.
ctypes.CDLL(None).unshare(0x40000000 | (0 if os.geteuid() == 0 else 0x10000000))
silence = open(os.devnull, "w")
program = compile(given["program"], "program", "exec")
leave, success = os._exit, given["success"]
FORBIDDEN = ("socket.", "ctypes.", "subprocess.", "shutil.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
             "os.kill", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
             "os.chmod", "os.chown", "os.putenv", "pty.", "signal.")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def watch(event, arguments):
    if event.startswith(FORBIDDEN) or (event == "open" and (arguments[2] or 0) & WRITES):
        raise PermissionError(event)


sys.addaudithook(watch)
try:
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        exec(program, {"__name__": "program"})
except BaseException:
    leave(1)
leave(success)
"""


def passes_tests(
    code: str, tests: Sequence[str], *, setup: str = "", seconds: float = 5.0, megabytes: int = 1024
) -> bool:
    r"""Whether code runs and all its tests hold: pass@1 of MBPP, for one answer.

    The code runs in a process of its own, with limits on time and memory, without a network, without an environment,
    in an empty folder that goes afterwards. It may read files, but write none and start no process. That holds off
    what a language model writes unawares; whoever means harm needs a container around all this.

    Example::

        passes_tests("def twice(x):\n    return 2 * x", ["assert twice(2) == 4"])

    Args:
        code: Python.
        tests: Statements that raise where the code is wrong.
        setup: What goes before the tests.
        seconds: Of the clock and of the processor.
        megabytes: Memory.

    Raises:
        SettingError: if a limit is not above 0, or there are no tests.
    """
    if seconds <= 0 or megabytes <= 0:
        raise SettingError(f"`seconds` and `megabytes` must be above 0; got {seconds} and {megabytes}.")
    if not tests:
        raise SettingError("`tests` must hold at least one statement: code that nothing is asked of passes anything.")
    success = 2 + secrets.randbelow(200)
    limits = {
        "RLIMIT_CPU": int(seconds) + 1,
        "RLIMIT_AS": megabytes << 20,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
    }
    program = "\n".join([code, setup, *tests])
    document = json.dumps({"program": program, "success": success, "limits": limits})
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", _RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            text=True,
            start_new_session=True,
        )
        try:
            with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
                process.communicate(document, timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode == success
