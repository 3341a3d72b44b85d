"""Brings the rows of a folder up to date with a source that has grown."""

import os

from datasets import Dataset

from condensers.data import load_source, str_of
from condensers.embedding import Embedder
from condensers.errors import RowError, SettingError
from condensers.hub.folder import load_condensed
from condensers.methods import AutoCondenser, RunRecord, Update
from condensers.methods.source import SourceReference
from condensers.methods.updatable_condenser import UpdatableCondenser


def update_condensed(
    path: str | os.PathLike[str],
    new_rows: str | os.PathLike[str] | Dataset,
    *,
    source: str | os.PathLike[str] | Dataset | None = None,
    split: str | None = None,
    embedder: Embedder | None = None,
) -> tuple[Update, RunRecord]:
    """Adds rows to the source of condensed rows and changes those that must change; see `EmbeddingCondenser.update`.

    The run is done again on the source of then, whose vectors are in the cache, and goes on from there. The folder
    stays as it is.

    Args:
        path: Folder that `save_condensed` or ``condensers condense`` wrote.
        new_rows: Rows with the columns of the source, or where they are.
        source: The source of then, if it is not where it was.
        split: Split of the new rows.
        embedder: What the source was embedded with; None loads what the record names.

    Returns:
        The update, and the record of the run that the rows now have.

    Raises:
        SourceNotFoundError: if the folder holds no condensed dataset, or the source is not where it was.
        SettingError: if the rows were written, or by parts that the record names and cannot build again.
        RowError: if the run, done again, gives other rows than those in the folder, or there are no new rows.
        ColumnError: if the new rows lack a column of the source.
    """
    rows, run = load_condensed(path)
    if not run.keeps_rows or run.method == "embedding":
        raise SettingError(
            f"the rows in {str_of(path)!r} are of the method {run.method!r}: only rows that a method of this library "
            f"keeps can be brought up to date from a folder. Condense the whole source again."
        )
    settings = {**run.settings, **({} if embedder is None else {"embedder": embedder})}
    condenser = AutoCondenser.from_method(run.method, **settings)
    reference = SourceReference.recorded(run.source)
    known = reference.load() if source is None else load_source(source, split=reference.split)
    again = condenser.condense(known)
    text = list(run.settings["text"])
    if again.select_columns(text).to_dict() != rows.select_columns(text).to_dict():
        raise RowError(
            f"done again, the run of {str_of(path)!r} gives other rows than those in the folder: the source or a "
            f"package has changed since. Condense the whole source again, or pass the source of then (`--source`)."
        )
    if not isinstance(condenser, UpdatableCondenser):
        raise SettingError(f"the method {run.method!r} cannot go on from its rows. Condense the whole source again.")
    return condenser.update(new_rows, split=split), condenser.run_
