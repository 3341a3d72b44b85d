"""Settings that every condenser has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from datasets import Dataset

from condensers.data import SEPARATOR, Budget, Columns, Dedup, resolve_columns
from condensers.embedding import DEFAULT_EMBEDDER
from condensers.errors import SettingError

_BUDGET = ("per_class", "total", "fraction")

Weight = Literal["cluster_size", "sum", "mean"]


@dataclass(frozen=True)
class CondenserConfig:
    """What a condenser reads, how much it keeps and how. Saved as ``settings`` in ``condenser_config.json``."""

    embedder: str = field(
        default=DEFAULT_EMBEDDER,
        metadata={"help": "sentence-transformers model (Hub id or folder), MODEL@BASE_URL of a server, or 'offline'."},
    )
    prompt: str | None = field(default=None, metadata={"help": "Task instruction put before each text it embeds."})
    text: tuple[str, ...] | None = field(
        default=None,
        metadata={"help": "Text column, or several that are joined; guessed when one answer is plausible."},
    )
    label: str | None = field(
        default="auto", metadata={"help": "Label column; 'auto' guesses, None condenses without labels."}
    )
    separator: str = field(default=SEPARATOR, metadata={"help": "Put between several text columns."})
    per_class: int | Literal["auto"] | None = field(
        default=None,
        metadata={"help": "Rows to keep of each class; 'auto' measures at which size more rows stop paying."},
    )
    total: int | None = field(default=None, metadata={"help": "Rows to keep in all, shared out by class size."})
    fraction: float | None = field(default=None, metadata={"help": "Share of the rows to keep, in (0, 1]."})
    seed: int = field(default=0, metadata={"help": "Fixes every random choice."})
    dedup: Dedup = field(
        default="exact", metadata={"help": "Drop repeated rows of a class first: 'exact', 'near' or 'none'."}
    )
    drop_empty: bool = field(default=False, metadata={"help": "Leave out rows without text instead of stopping."})
    allow_fewer: bool = field(
        default=False, metadata={"help": "Take a whole class where it has fewer rows than asked for."}
    )
    weight: Weight | None = field(
        default=None,
        metadata={
            "help": "Give each row an `importance_weight`: 'cluster_size', the source rows that it stands for; 'sum' "
            "or 'mean' of their own weights. None leaves the column as it is."
        },
    )
    provenance: bool = field(default=True, metadata={"help": "Add columns that say where each row comes from."})

    @property
    def budget(self) -> Budget:
        """The size asked for.

        Raises:
            BudgetError: unless exactly one of per_class, total and fraction is set, and per_class to a number.
        """
        return Budget(per_class=self.per_class, total=self.total, fraction=self.fraction)  # type: ignore[arg-type]

    @property
    def auto(self) -> bool:
        """Whether the size is chosen from the rows."""
        return self.per_class == "auto"

    def check_budget(self) -> None:
        """Raises unless there is one budget.

        Raises:
            BudgetError: unless exactly one of per_class, total and fraction is set.
        """
        _ = (replace(self, per_class=1) if self.auto else self).budget

    @property
    def reading(self) -> tuple:
        """The settings on which depends what is read of a dataset."""
        return (self.text, self.label, self.separator, self.dedup, self.drop_empty)

    def columns_of(self, dataset: Dataset) -> Columns:
        """The columns to read; see `resolve_columns` for the errors."""
        return resolve_columns(dataset, self.text, self.label, self.separator)

    def updated(self, settings: Mapping[str, Any]) -> "CondenserConfig":
        """A copy with some settings changed; a new budget replaces the old one whole.

        Raises:
            SettingError: if a setting does not exist.
        """
        known = [f.name for f in fields(self)]
        unknown = [name for name in settings if name not in known]
        if unknown:
            raise SettingError(f"unknown setting(s) {', '.join(unknown)}; there are {', '.join(known)}.")
        changes = dict(settings)
        if any(changes.get(name) is not None for name in _BUDGET):
            changes = {**dict.fromkeys(_BUDGET), **changes}
        text = changes.get("text")
        if text is not None:
            changes["text"] = (text,) if isinstance(text, str) else tuple(text)
        return replace(self, **changes)
