"""What autodoc does not know of this library: settings carry their help with them, and public names have one page."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import inspect
from sphinx.util.typing import stringify_annotation

import condensers


def _own_settings(cls: type) -> Iterator[Field]:
    """Settings that a class adds to those of the classes it is documented beside, with their help."""
    # A trainer's settings stand in a class of arguments of its own, which has no page.
    own = [base for base in cls.__mro__ if base is cls or base.__name__.endswith("Arguments")]
    names = {
        name
        for base in own
        if base.__module__.startswith("condensers.")
        for name in vars(base).get("__annotations__", {})
    }
    yield from (field for field in fields(cls) if field.name in names and "help" in field.metadata)


def _is_settings(what: str, obj: object) -> bool:
    return what == "class" and is_dataclass(obj) and any("help" in field.metadata for field in fields(obj))


def _default(field: Field) -> str:
    if field.default is not MISSING:
        return f" Default: ``{field.default!r}``."
    return f" Default: ``{field.default_factory()!r}``." if field.default_factory is not MISSING else ""


def _add_settings(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    if not _is_settings(what, obj):
        return
    described = [
        f"    {field.name} ({stringify_annotation(field.type, 'smart')}): {field.metadata['help']}{_default(field)}"
        for field in _own_settings(obj)
    ]
    if described:
        lines += ["", "Settings:", *described, ""]


def _shorten_signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """A hundred arguments of `TrainingArguments` say less than none, and so do those of a mixin's `__new__`."""
    if _is_settings(what, obj):
        return "(**settings)", None
    if signature == "(*args, **kwargs)" and isinstance(obj, type):
        if issubclass(obj, condensers.Condenser):
            arguments = inspect.signature(obj.__init__, bound_method=True)
            return inspect.stringify_signature(arguments, unqualified_typehints=True), None
        return "", None  # protocols
    return signature, returns


def _skip_public(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Names of the package's root are described under that name, and not again in their room."""
    return True if what == "module" and name in condensers.__all__ else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Connects them, before napoleon (priority 500) reads the sections."""
    app.connect("autodoc-process-docstring", _add_settings, priority=400)
    app.connect("autodoc-process-signature", _shorten_signature)
    app.connect("autodoc-skip-member", _skip_public)
    return {"version": "1", "parallel_read_safe": True}
