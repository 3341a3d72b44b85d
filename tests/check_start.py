"""Checks that the package and its command start quickly; run by `make check`, since beside other work they do not."""

import os
import subprocess
import sys
import tempfile

LIMITS = {("-c", "import condensers"): 0.3, ("-m", "condensers", "--help"): 0.5}
# A processor that others share too is slow for seconds at a time; the quickest run tells what a start takes.
N_TRIES = 30


def seconds(arguments: tuple[str, ...], bytecode: str) -> float:
    """Of a processor, for a Python that does no more than this and keeps its bytecode in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    before = os.times()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=environment)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    # Where Python is told to write no bytecode, packages may have none, and each start would compile them.
    with tempfile.TemporaryDirectory() as bytecode:
        for arguments, limit in LIMITS.items():
            best = float("inf")
            for i in range(N_TRIES):
                best = min(best, seconds(arguments, bytecode))
                # The first one compiles.
                if i > 1 and best < limit:
                    break
            command = " ".join(arguments)
            if best >= limit:
                sys.exit(f"`python {command}` takes {best:.2f} s of a processor; it may take {limit}.")
            sys.stdout.write(f"`python {command}` takes {best:.2f} s of a processor.\n")


if __name__ == "__main__":
    main()
