"""The lineage of a condensed dataset that lies in a folder."""

import os

from datasets import Dataset

from condensers.data import load_source, str_of
from condensers.embedding import Embedder, load_embedder
from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.hub.folder import load_condensed
from condensers.methods import CondenserConfig, Lineage
from condensers.methods.source import SourceReference, identify, prepare_source

# What decides how the source was read.
_READING = ("text", "label", "separator", "dedup", "drop_empty", "embedder", "prompt")


def load_lineage(
    path: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | Dataset | None = None,
    embedder: Embedder | None = None,
) -> Lineage:
    """Reads condensed rows and, by their record, the source rows behind them.

    Args:
        path: Folder that `save_condensed` or ``condensers condense`` wrote.
        source: The source rows, if they are not where they were.
        embedder: What the source was embedded with; None loads what the record names.

    Raises:
        SourceNotFoundError: if the folder holds no condensed dataset, or the source is not where it was.
        SettingError: if the run was private, or its rows lived in memory and `source` is not given, or the embedder
            is another.
        RowError: if the source holds other rows than those that were condensed.
    """
    rows, run = load_condensed(path)
    if run.privacy and run.privacy["withheld"]:
        raise SettingError(
            f"the rows in {str_of(path)!r} are private: to say which source rows are behind them would tell of those."
        )
    config = CondenserConfig().updated({name: run.settings[name] for name in _READING if name in run.settings})
    embedder = embedder or load_embedder(config.embedder, prompt=config.prompt)
    recorded = run.models.get("embedder")
    if recorded not in (None, embedder.fingerprint):
        raise SettingError(
            f"the source was embedded with {config.embedder!r} of fingerprint {recorded}, and that model now has "
            f"{embedder.fingerprint}. Pass the embedder of then (`--embedder`)."
        )
    reference = SourceReference.recorded(run.source)
    try:
        dataset = reference.load() if source is None else load_source(source, split=reference.split)
    except SourceNotFoundError as error:
        raise SourceNotFoundError(
            f"the source rows are not at hand ({error}). Say where they are: `source=` (`--source`)."
        ) from error
    prepared = prepare_source(dataset, config, embedder, reference)
    digest = identify(reference, dataset, prepared.rows)["digest"]
    if run.source.get("digest") not in (None, digest):
        raise RowError(
            f"the source has other rows than those that were condensed: its digest is {digest}, in the record stands "
            f"{run.source['digest']}. Say where those are: `source=` (`--source`)."
        )
    return Lineage.trace(prepared, rows, embedder)
