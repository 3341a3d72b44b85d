"""Embeddings from a sentence-transformers model."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from condensers.errors import SourceNotFoundError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_SAMPLES = 64
_SAMPLE_BYTES = 1 << 16


class SentenceTransformerEmbedder:
    """Embeds with a sentence-transformers model in a local folder; the weights load at the first text.

    Args:
        folder: Folder of the model.
        name: What to call it; None takes the folder's path.
        prompt: Task instruction put before each text (PInR, Appendix B.1).
        batch_size: Texts a forward pass; the model sorts by length within a call.
        device: Torch device; None takes the best there is.
        trust_remote_code: Run code that the model's folder contains.

    Raises:
        SourceNotFoundError: if the folder holds no model.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 64,
        device: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.folder = Path(folder)
        if not (self.folder / "config.json").is_file() and not (self.folder / "modules.json").is_file():
            raise SourceNotFoundError(f"{str(folder)!r} holds no model: it has neither config.json nor modules.json.")
        self.name = name or str(folder)
        self.prompt = prompt
        self.batch_size = batch_size
        self.device = device
        self.trust_remote_code = trust_remote_code
        self.fingerprint = _digest(self.folder, prompt)
        self._model: SentenceTransformer | None = None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embeds texts.

        Shape:
            returns: (n_texts, dim), float32, rows of unit length.
        """
        if self._model is None:
            self._model = self._load()
        return self._model.encode(
            list(texts),
            prompt=self.prompt,
            batch_size=self.batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        ).astype(np.float32, copy=False)

    def __getstate__(self) -> dict[str, object]:
        # Other processes load the weights themselves; fingerprints of `datasets` stay cheap.
        return {**self.__dict__, "_model": None}

    def _load(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  (takes seconds to import)
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415

        shown = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        try:
            return SentenceTransformer(
                str(self.folder), device=self.device, trust_remote_code=self.trust_remote_code
            ).float()
        finally:
            if shown:
                transformers_logging.enable_progress_bar()


def _digest(folder: Path, prompt: str | None) -> str:
    """Hash of the prompt, of every config and tokenizer file, and of 64 places in each weight file.

    Reading gigabytes of weights for a cache key would take longer than many a run; training changes weights
    everywhere, so samples tell two models apart.
    """
    digest = hashlib.sha256(json.dumps({"format": 1, "prompt": prompt}).encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in (".json", ".txt", ".safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}:{size}".encode())
        with path.open("rb") as file:
            if size <= _SAMPLES * _SAMPLE_BYTES:
                digest.update(file.read())
                continue
            for k in range(_SAMPLES):
                file.seek(k * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:32]
