"""Finished measurements of a benchmark, one line of JSON each, so that a stopped run goes on where it was."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cells:
    """Lines of a file, and the fields that tell one cell from another."""

    path: Path
    key: Sequence[str] = ()

    def all(self) -> list[dict[str, Any]]:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        cells = []
        for line in lines:
            try:
                cells.append(json.loads(line))
            except json.JSONDecodeError:  # the last line of a run that was killed while it wrote
                continue
        return cells

    def by_key(self) -> dict[tuple, dict[str, Any]]:
        return {tuple(cell[name] for name in self.key): cell for cell in self.all()}

    def add(self, cell: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(cell) + "\n")
            file.flush()
            os.fsync(file.fileno())
