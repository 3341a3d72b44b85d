"""Prompts as Jinja files, into which the text of rows is put as data."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from condensers.errors import SettingError, SourceNotFoundError

_FOLDER = Path(__file__).parent / "prompts"
_ROLES = ("system", "user", "assistant")
# What opens a turn in the chat templates of open models. A tokenizer takes it for the real thing, wherever it stands.
_ROLE_MARKERS = re.compile(
    r"<(\|[^|<>\n]{1,40}\||/?(?:s|start_of_turn|end_of_turn|bos|eos))>|\[(/?INST)\]|<<(/?SYS)>>", re.IGNORECASE
)


class Message(TypedDict):
    """One turn of a chat, as every OpenAI-compatible server takes it.

    Attributes:
        role: system, user or assistant.
        content: What is said.
    """

    role: str
    content: str


class Prompt:
    """A chat to be filled in: a Jinja template with one block a turn.

    Blocks are called ``system``, ``user`` or ``assistant``, with an optional number behind (``user_2``), and become
    messages in the order in which they stand. Text of rows goes through the filter ``data``, which sets it between
    tags that the text itself cannot close; what is filled in is never read as a template. A turn that comes out empty
    is left out, so that examples can be for some values only.

    Example::

        Prompt.load("imp_loss/financial").messages(label="positive", n_words=20, examples=["Sales rose by 3%."])

    Args:
        source: The template.
        name: What to call it in messages of errors.

    Attributes:
        variables: What is to be filled in.

    Raises:
        SettingError: if the template is no Jinja, or has no turn or one of another name.
    """

    def __init__(self, source: str, name: str = "prompt") -> None:
        self.source = source
        self.name = name
        try:
            self._template = _ENVIRONMENT.from_string(source)
            tree = _ENVIRONMENT.parse(source)
        except TemplateError as error:
            raise SettingError(f"prompt {name!r} is no Jinja template: {error}") from error
        self._turns = [block.name for block in tree.find_all(nodes.Block)]
        wrong = [turn for turn in self._turns if re.sub(r"_\d+$", "", turn) not in _ROLES]
        if wrong or not self._turns:
            raise SettingError(
                f"prompt {name!r} must have blocks called {', '.join(_ROLES)} (or user_2, ...); it has "
                f"{', '.join(wrong or self._turns) or 'none'}."
            )
        self.variables = frozenset(find_undeclared_variables(tree))

    @classmethod
    def load(cls, source: "str | os.PathLike[str] | Prompt") -> "Prompt":
        """Loads one of the prompts that ship (see `prompt_names`), or a file of the user's; a prompt stays as it is.

        Raises:
            SourceNotFoundError: if there is no such prompt.
            SettingError: if the file is no prompt.
        """
        if isinstance(source, Prompt):
            return source
        name = os.fspath(source)
        path = _FOLDER / f"{name}.jinja"
        if name not in prompt_names():
            path = Path(name)
            if not path.is_file():
                raise SourceNotFoundError(
                    f"{name!r} is neither a file nor a prompt that ships; those are {', '.join(prompt_names())}."
                )
        return cls(path.read_text(encoding="utf-8"), name)

    def messages(self, **values: Any) -> list[Message]:  # noqa: ANN401  (whatever the template takes)
        """Fills the prompt in.

        Args:
            **values: One for each of `variables`.

        Raises:
            SettingError: if a value is missing or is none of `variables`, or the template reaches for what it may not.
        """
        unknown = sorted(set(values) - self.variables)
        takes = f"prompt {self.name!r} takes {', '.join(sorted(self.variables))}"
        if unknown:
            raise SettingError(f"{takes}; it has no place for {', '.join(unknown)}.")
        context = self._template.new_context(values)
        try:
            found = [(turn, "".join(self._template.blocks[turn](context))) for turn in self._turns]
        except TemplateError as error:
            raise SettingError(f"{takes}; {error.message}.") from error
        turns = [(re.sub(r"_\d+$", "", turn), content.strip()) for turn, content in found]
        return [{"role": role, "content": content} for role, content in turns if content]


def prompt_names() -> list[str]:
    """Names of the prompts that ship, as `Prompt.load` takes them."""
    return sorted(path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.jinja"))


def delimited(text: object, tag: str = "text") -> str:
    """Text between two tags; whatever in it could pass for one of them, or for a turn of a chat, gets round brackets.

    Args:
        text: The text of a row.
        tag: Name of the tags.
    """
    inside = re.sub(rf"<(\s*/?\s*{re.escape(tag)}\s*)>", r"(\1)", str(text), flags=re.IGNORECASE)
    return f"<{tag}>{plain(inside)}</{tag}>"


def plain(text: object) -> str:
    """Text without tags, for a turn that is nothing else; what could pass for a turn of a chat gets round brackets."""
    return _ROLE_MARKERS.sub(lambda found: f"({found[1] or found[2] or found[3]})", str(text))


def bullets(texts: Sequence[object], tag: str = "text") -> str:
    """One delimited text a line."""
    return "\n".join(delimited(text, tag) for text in texts)


def _environment() -> ImmutableSandboxedEnvironment:
    # Not HTML, so nothing is escaped. Sandboxed, since a prompt may come with a condenser from the Hub.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters |= {"data": delimited, "plain": plain, "rows": bullets}
    return environment


_ENVIRONMENT = _environment()
