"""Where the modules of `evaluate` lie."""

from pathlib import Path

from condensers.errors import SourceNotFoundError

_FOLDER = Path(__file__).parent / "modules"


def metric(name: str) -> str:
    """Tells `evaluate.load` where a metric of ours is.

    Example::

        mauve = evaluate.load(condensers.metric("mauve"))
        mauve.compute(predictions=few, references=many)

    Args:
        name: mauve, fid, kl, total_variation, wasserstein, precision_recall, density_coverage, ngram_overlap,
            decontamination, diversity or gradient_similarity.

    Raises:
        SourceNotFoundError: if there is no metric of that name.
    """
    folder = _FOLDER / name
    if not name.isidentifier() or not folder.is_dir():
        known = ", ".join(sorted(path.name for path in _FOLDER.iterdir() if path.is_dir() and path.name[0] != "_"))
        raise SourceNotFoundError(f"there is no metric {name!r}; there are {known}.")
    return str(folder / f"{name}.py")
