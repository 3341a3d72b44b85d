"""What a run did, for cards, reports and people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """What one call of `Condenser.condense` did.

    Attributes:
        method: The condenser's type.
        settings: Every setting, JSON values.
        components: The parts of the condenser, JSON values.
        source: Path, split, name and revision of the dataset, the commit that was read of a Hub dataset, and a digest
            of its rows, None where that is private (`condensers.methods.source.identify`).
        n_source_rows: Source rows, duplicates included; None where that is private.
        n_duplicates: Source rows left out because they repeat another.
        n_embedded: Texts that went through the embedding model; the rest came from the cache; None
            where that is private.
        class_counts: Condensed rows of each class.
        seconds: Wall time of each stage; none where that is private.
        versions: Versions of the packages that decide the result.
        llm: What a method that asks a language model asked, spent and let go; None for the others.
        privacy: What a method that can be private promises, in words and numbers; None for the others.
        generation: What a method that writes more rows like the source's wrote, and what of it was dropped and why
            (`condensers.methods.generation`); None for the others.
        stages: How points were placed and texts written for them (`condensers.methods.stages`); None for methods that
            keep rows.
        sizing: How ``per_class="auto"`` was settled (`BudgetCurve.to_json`); None for budgets that were given.
        models: Fingerprints of the models that decide the result, by what they do: ``embedder``.
        command: The words of the command line that it was; None for a run in Python.
    """

    method: str
    settings: Mapping[str, Any]
    components: Mapping[str, Any]
    source: Mapping[str, str | None]
    n_source_rows: int | None
    n_duplicates: int
    n_embedded: int | None
    class_counts: Mapping[str, int]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]
    llm: Mapping[str, Any] | None = None
    privacy: Mapping[str, Any] | None = None
    stages: Mapping[str, Any] | None = None
    generation: Mapping[str, Any] | None = None
    sizing: Mapping[str, Any] | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] | None = None

    @property
    def keeps_rows(self) -> bool:
        """Whether its rows are source rows as they are, chosen and not written."""
        return self.llm is None and self.stages is None and self.generation is None

    @property
    def n_rows(self) -> int:
        """Number of condensed rows."""
        return sum(self.class_counts.values())

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json` can write."""
        return asdict(self)


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide which rows come out."""
    names = ("condensers", "datasets", "numpy", "sentence-transformers", "torch", "transformers")
    return {name: version(name) for name in names}
