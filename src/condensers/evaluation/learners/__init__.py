"""Classifiers that are trained on condensed rows to see what the rows are worth."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from condensers.embedding import DEFAULT_EMBEDDER, Embedder, SentenceTransformerEmbedder
from condensers.errors import SettingError
from condensers.evaluation.learners.fine_tuned import FineTuned
from condensers.evaluation.learners.linear_probe import LinearProbe
from condensers.evaluation.learners.named import Named
from condensers.evaluation.learners.protocol import Classifier, Learner
from condensers.evaluation.learners.text_rnn import TextRNN
from condensers.evaluation.learners.tfidf_linear import TfidfLinear

LEARNERS: dict[str, type] = {cls.name: cls for cls in (FineTuned, LinearProbe, TextRNN, TfidfLinear)}


def load_learner(name: str, *, embedder: Embedder, **settings: Any) -> Learner:
    """Makes a learner by name.

    Args:
        name: ``fine_tuned``, ``linear_probe``, ``text_rnn`` or ``tfidf_linear``; ``fine_tuned=MODEL`` and
            ``text_rnn=MODEL`` start from another model, a Hub id or a folder, and are called after it.
        embedder: What the linear probe reads its vectors from; `FineTuned` and `TextRNN` start from the same model
            where it is one on disk, else from the default model.
        **settings: Settings of the learner.

    Raises:
        SettingError: if there is no learner of that name, or it has no such setting.
    """
    name, _, model = name.partition("=")
    if model:
        return Named(f"{name}={Path(model).name}", load_learner(name, embedder=embedder, model=model, **settings))
    if name not in LEARNERS:
        raise SettingError(f"there is no learner {name!r}; choose one of {', '.join(sorted(LEARNERS))}.")
    known = [field.name for field in fields(LEARNERS[name]) if field.name != "embedder"]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise SettingError(f"learner {name!r} has no setting {', '.join(unknown)}; it has {', '.join(known)}.")
    if name == LinearProbe.name:
        return LinearProbe(embedder, **settings)
    if name == TfidfLinear.name:
        return TfidfLinear(**settings)
    folder = embedder.folder if isinstance(embedder, SentenceTransformerEmbedder) else DEFAULT_EMBEDDER
    return LEARNERS[name](**{"model": folder, **settings})


__all__ = ["LEARNERS", "Classifier", "FineTuned", "Learner", "LinearProbe", "TextRNN", "TfidfLinear", "load_learner"]
