"""A linear classifier on frozen embeddings, read as p(y | x)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from datasets import ClassLabel, Dataset
from safetensors.numpy import load_file, save_file

from condensers.data import SEPARATOR, find_model_files, read_json, write_json
from condensers.embedding import Embedder, embed_texts
from condensers.errors import NotFittedError, RowError, SettingError
from condensers.rewards.card import probe_card
from condensers.sharing import public_name, push_saved, write_card

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class EmbeddingProbe:
    """Multinomial logistic regression on sentence embeddings, for where fine-tuning a `LabelConfidence` takes hours.

    It stands in for one in the condensers that take a ``reward_model``: rows are embedded once, then each fit takes
    seconds and each scoring a matrix product. CondenseLM's paper has nothing like it (there both reward models are
    BERT, fine-tuned); the L2 penalty is what keeps this one from being sure of every row.

    Args:
        embedder: What turns texts into vectors. Give it the condenser's, whose vectors of the source are in the cache.
        C: Inverse strength of the L2 penalty, as in scikit-learn.

    Example:
        >>> from condensers.embedding import load_embedder
        >>> probe = EmbeddingProbe(load_embedder("offline"))
    """

    def __init__(self, embedder: Embedder, *, C: float = 1.0) -> None:  # noqa: N803  (as in scikit-learn)
        self.embedder = embedder
        self.C = C
        self._weights: dict[str, np.ndarray] | None = None
        self._rows: dict[str, Any] = {"labels": None, "n_rows": None}

    def __repr__(self) -> str:
        return f"EmbeddingProbe({self.embedder.name!r}, C={self.C:g})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """An unfitted one; the embedder, which may be large and is never changed, is shared."""
        return type(self)(self.embedder, C=self.C)

    def fit(self, dataset: Dataset, *, text: Sequence[str], label: str, **_: Any) -> Self:  # noqa: ANN401  (unused)
        """Learns from labelled rows. Recipe, seed and training arguments of `LabelConfidence.fit` change nothing.

        A class without rows gets probability 0.

        Args:
            dataset: Rows.
            text: The text columns; several are joined as condensers join them.
            label: The label column, a `ClassLabel`.

        Raises:
            RowError: if there are no rows.
        """
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (slow to import)

        if len(dataset) == 0:
            raise RowError("there are no rows to fit the probe on.")
        feature = dataset.features[label]
        codes = np.asarray(dataset[label][:])
        n_classes = feature.num_classes if isinstance(feature, ClassLabel) else int(codes.max()) + 1
        vectors = self._embed(dataset, text)
        slopes = np.zeros((n_classes, vectors.shape[1]), dtype=np.float32)
        intercepts = np.full(n_classes, -np.inf, dtype=np.float32)
        present = np.unique(codes)
        intercepts[present] = 0.0
        if len(present) > 1:
            model = LogisticRegression(C=self.C, max_iter=1000).fit(vectors, codes)
            # Of two classes scikit-learn gives one row, the log-odds of the second.
            rows = present[-1:] if len(present) == 2 else present
            slopes[rows], intercepts[rows] = model.coef_, model.intercept_
        self._weights = {"slopes": slopes, "intercepts": intercepts}
        self._rows = {
            "labels": feature.names if isinstance(feature, ClassLabel) else None,
            "n_rows": len(dataset),
        }
        return self

    def predict_log_proba(self, dataset: Dataset, *, text: Sequence[str], progress: bool = False) -> np.ndarray:
        """Log-probabilities of all classes for each row.

        Args:
            dataset: Rows.
            text: The text columns.
            progress: Show a bar while rows are embedded.

        Shape:
            returns: (n_rows, n_classes), float32.

        Raises:
            NotFittedError: before `fit`.
            RowError: if there are no rows.
        """
        weights = self._fitted()
        logits = self._embed(dataset, text, progress=progress) @ weights["slopes"].T + weights["intercepts"]
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes the weights as safetensors, what they were fitted on, and a card; one that somebody edited stays.

        Raises:
            NotFittedError: before `fit`.
        """
        weights, folder = self._fitted(), Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / _WEIGHTS)
        config = {
            "model_type": "embedding_probe",
            "embedder": public_name(self.embedder.name),
            "embedder_fingerprint": self.embedder.fingerprint,
            "C": self.C,
            **self._rows,
        }
        write_json(folder / _CONFIG, config)
        write_card(folder, probe_card(config, *weights["slopes"].shape))

    def push_to_hub(self, repo_id: str, *, private: bool | None = True, **kwargs: Any) -> str:  # noqa: ANN401
        """Uploads the probe with its card; private unless `private=False`. See `push_saved`.

        Raises:
            NotFittedError: before `fit`.
            HfHubHTTPError: if the Hub refuses.
        """
        self._fitted()
        return push_saved(self.save_pretrained, repo_id, private=private, **kwargs)

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str], embedder: Embedder) -> Self:
        """Reads what `save_pretrained` wrote.

        Args:
            source: Folder or Hub id.
            embedder: The one it was fitted with.

        Raises:
            SourceNotFoundError: if there is none.
            SettingError: if it was fitted with another embedder.
        """
        folder = find_model_files(os.fspath(source), remedy="fit one and save it.")
        config = read_json(folder / _CONFIG, what="probe")
        # Those of before the fingerprint was noted are taken on trust.
        if config.get("embedder_fingerprint", embedder.fingerprint) != embedder.fingerprint:
            raise SettingError(
                f"this probe was fitted with the embedder {config['embedder']!r} (fingerprint "
                f"{config['embedder_fingerprint']!r}); got {embedder.name!r} (fingerprint {embedder.fingerprint!r}). "
                f"Pass that one, or fit a probe with this one."
            )
        probe = cls(embedder, C=config["C"])
        probe._rows |= {name: config[name] for name in probe._rows if name in config}
        probe._weights = load_file(folder / _WEIGHTS)
        return probe

    def _embed(self, dataset: Dataset, text: Sequence[str], *, progress: bool = False) -> np.ndarray:
        columns = [dataset[name][:] for name in text]
        texts = columns[0] if len(columns) == 1 else [SEPARATOR.join(parts) for parts in zip(*columns, strict=True)]
        return embed_texts(texts, self.embedder, progress=progress).vectors[:]

    def _fitted(self) -> dict[str, np.ndarray]:
        if self._weights is None:
            raise NotFittedError("the probe has not been fitted; call `fit` first.")
        return self._weights
