"""Real servers on the loopback, each in a process of its own; skipped where its packages are missing."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

# Serves until its input is closed; argv: the GGUF, and perhaps the only key that it takes.
LLAMA_CPP = """
import sys
from xllamacpp import CommonParams, Server
params = CommonParams()
params.model.path = sys.argv[1]
params.api_keys = sys.argv[2:]
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_parallel = 4
params.n_ctx = 8192
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # More wait for each other in a busy loop.
params.verbosity = 0
server = Server(params)
print(f"{server.listening_address}/v1", flush=True)
sys.stdin.read()
"""


@contextmanager
def llama_cpp(gguf, *keys):
    """Gives the address of a llama.cpp server; it is up after about 2 s."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp is not installed: pip install xllamacpp")
    command = [sys.executable, "-c", LLAMA_CPP, gguf, *keys]
    with _killed(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)) as process:
        address = process.stdout.readline().strip()
        assert address, f"llama.cpp did not start; it ended with {process.wait()}"
        yield address


@contextmanager
def transformers_serve(folder):
    """Gives the address of ``transformers serve`` with one model; it is up after about 15 s."""
    missing = [name for name in ("fastapi", "uvicorn", "starlette") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}: pip install fastapi uvicorn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with _killed(subprocess.Popen(command, env=environment)) as process:
        give_up = time.monotonic() + 120
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, f"transformers serve ended with {process.returncode}"
            assert time.monotonic() < give_up, "transformers serve did not start within 120 s"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def _killed(process):
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _answers(address):
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
