"""Runs the code of a Markdown page as its reader would, block by block, and holds it to what the page shows.

Blocks of Python share one set of names; commands run in this process, by the functions behind them, since a process
for each would spend its time on imports. A block of `text` behind one of code is what that prints; `...` in it stands
for anything. A block that cannot be run says so, and why, in its first line, where a reader sees it.
"""

import contextlib
import io
import re
import runpy
import shlex
import sys
import types
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_RUN = re.compile(r"# Not run by the tests: (.+)\n")
_BLOCK = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\n(?P<code>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
# A block that is a file of the library, such as a reader's new method.
_FILE = re.compile(r"# src/(condensers/\S+)\.py\n")
_NUMBER = r"[-+]?\d+\.\d+"


@dataclass(frozen=True)
class Block:
    """Code of a page, and what the page says that it prints (None: it does not say)."""

    language: str
    code: str
    line: int
    shown: str | None

    @property
    def reason(self):
        """Why it is not run; None for one that is."""
        found = NOT_RUN.match(self.code)
        return found and found[1]


def read_blocks(path, language=None):
    """The blocks of a page that are code; only those of one language, if it is given."""
    text = Path(path).read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    blocks = []
    for block, after in zip(found, [*found[1:], None], strict=True):
        is_output = (
            after is not None and after["language"] in ("", "text") and not text[block.end() : after.start()].strip()
        )
        if block["language"] in ("python", "bash"):
            line = text.count("\n", 0, block.start()) + 1
            blocks.append(Block(block["language"], block["code"], line, after["code"] if is_output else None))
    return [block for block in blocks if language in (None, block.language)]


def run_page(path, stand_ins=()):
    """Runs every block of a page in the current folder and returns its names.

    Args:
        path: The page.
        stand_ins: Pairs of what the page names and what takes its place, such as the address of a server.
    """
    names = {"__name__": "__main__"}
    for block in read_blocks(path):
        if block.reason is not None:
            continue
        code = block.code
        for named, ours in stand_ins:
            code = code.replace(named, ours)
        printed = io.StringIO()
        try:
            if block.language == "python":
                _run_python(code, names, f"{path}:{block.line}", printed)
            else:
                _run_commands(code, printed)
        except (Exception, SystemExit) as error:
            raise AssertionError(
                f"the block at {path}:{block.line} fails; it printed:\n{printed.getvalue()}"
            ) from error
        said = printed.getvalue()
        for named, ours in stand_ins:
            said = said.replace(ours, named)
        if block.shown is not None:
            _check_shown(block, said, path)
    return names


def is_as_shown(shown, printed):
    """Whether a text is what a page shows, up to `...`, white space, and a tenth of a number with a point in it.

    Which of two near rows is chosen, and so the third digit of an accuracy, differs between processors.
    """
    pattern, numbers = "", []
    for part in re.split(rf"(\s*\.\.\.\s*|\s+|{_NUMBER})", shown.strip()):
        if re.fullmatch(_NUMBER, part):
            pattern += f"({_NUMBER})"
            numbers.append(float(part))
        else:
            pattern += ".*?" if part.strip() == "..." else r"\s+" if part.isspace() else re.escape(part)
    found = re.fullmatch(pattern, printed.strip(), re.DOTALL)
    return found is not None and all(
        abs(ours - float(theirs)) <= max(0.05, abs(ours) / 10)
        for ours, theirs in zip(numbers, found.groups(), strict=True)
    )


def _check_shown(block, printed, path):
    # Bars of progress are drawn over and over in one line.
    printed = re.sub(r"^.*\r.*\n?", "", printed, flags=re.MULTILINE)
    assert is_as_shown(block.shown, printed), (
        f"{path}:{block.line} prints\n\n{printed}\nand the page shows\n\n{block.shown}"
    )


def _run_python(code, names, where, printed):
    is_file = _FILE.match(code)
    if is_file:
        name = is_file[1].replace("/", ".")
        sys.modules[name] = module = types.ModuleType(name)
        names = vars(module)
    with contextlib.redirect_stdout(printed):
        exec(compile(code, where, "exec"), names)


def _run_commands(code, printed):
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                _run_command(words)


def _run_command(words):
    if words[0] == "condensers":
        from condensers.cli import main

        with _arguments(words):
            try:
                main()
            except SystemExit as stop:
                assert not stop.code, f"`{shlex.join(words)}` ended with exit code {stop.code}"
    elif words[:2] in (["accelerate", "launch"], ["uv", "run"]):
        with _arguments(words[2:]):
            runpy.run_path(str(ROOT / words[2]), run_name="__main__")
    else:
        raise AssertionError(
            f"tests cannot run `{shlex.join(words)}`; say so, and why, in the first line of the block"
        )


@contextlib.contextmanager
def _arguments(words):
    before, sys.argv = sys.argv, list(words)
    try:
        yield
    finally:
        sys.argv = before
