"""Writing results so that nothing is ever half-written."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from condensers.errors import CondensersError, OutputExistsError, SourceNotFoundError, StorageError


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Checks, before any work is spent, that a folder can be written at `path`.

    Raises:
        OutputExistsError: if something is there and `overwrite` is False.
        StorageError: if the place cannot be written to.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise OutputExistsError(f"output {str(target)!r} is a file; choose a folder.")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise OutputExistsError(
            f"output folder {str(target)!r} is not empty; choose another, or pass `overwrite=True` (`--overwrite`)."
        )
    parent = next(p for p in (target.absolute(), *target.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK):
        raise StorageError(f"cannot write output {str(target)!r}: no permission to write in {str(parent)!r}.")
    return target


@contextmanager
def new_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a scratch folder beside `path` that takes its place when the block ends well.

    When the block raises, the scratch folder goes and what was at `path` stays as it was.

    Raises:
        OutputExistsError: if `path` is not empty and `overwrite` is False.
        StorageError: if the disk is full or the place cannot be written to.
    """
    target = check_output(path, overwrite=overwrite)
    remedy = "Free some space or choose another place; nothing was left there."
    with _scratch_beside(target.absolute(), remedy) as scratch:
        yield scratch
        if target.exists():
            retired = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.absolute().parent))
            os.replace(target, retired / "old")
            os.replace(scratch, target)
            shutil.rmtree(retired, ignore_errors=True)
        else:
            os.replace(scratch, target)


@contextmanager
def cache_folder(path: Path) -> Iterator[Path]:
    """Yields a scratch folder beside `path` that becomes it when the block ends well, unless another was quicker.

    For what is the same whoever makes it: a folder that another process put there meanwhile stays, and the block's
    work is dropped. When the block raises, nothing is left.

    Raises:
        StorageError: if the disk is full or the place cannot be written to.
    """
    remedy = "Free some space, or set HF_DATASETS_CACHE to another place."
    with _scratch_beside(path, remedy) as scratch:
        yield scratch
        try:
            os.rename(scratch, path)
        except OSError:
            # A folder with files in it is never replaced.
            if not path.is_dir():
                raise


@contextmanager
def _scratch_beside(path: Path, remedy: str) -> Iterator[Path]:
    """Yields a new folder beside `path`, gone when the block ends unless the block has moved it.

    Raises:
        StorageError: if the block or the folder meets an error of the file system; it ends with `remedy`.
    """
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        scratch.chmod(0o777 & ~_umask())
        yield scratch
    except OSError as error:
        if isinstance(error, CondensersError):
            raise
        raise StorageError(f"could not write {str(path)!r}: {error.strerror or error}. {remedy}") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file beside its place and renames it."""
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401  (any JSON value)
    """Writes a JSON file beside its place and renames it."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n")


def read_json(path: Path, *, what: str) -> Any:  # noqa: ANN401  (any JSON value)
    """Reads the JSON file that lies in a folder with what was saved there.

    Args:
        path: The file.
        what: What the folder should hold, for the error.

    Raises:
        SourceNotFoundError: if it is not there.
    """
    if not path.is_file():
        raise SourceNotFoundError(f"{str(path.parent)!r} holds no {what} ({path.name} is missing).")
    return json.loads(path.read_text(encoding="utf-8"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
