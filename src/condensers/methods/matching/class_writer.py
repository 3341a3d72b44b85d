"""A language model that writes rows of the class it is asked for."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from accelerate import PartialState
from tokenizers import AddedToken
from torch.nn import functional

from condensers.data import temporary_seed
from condensers.llm.in_process import end_tokens, evaluating
from condensers.softsrv.loading import load_language_model

_IGNORED = -100


@dataclass(frozen=True)
class ClassWriter:
    """DiLM's generator (Maekawa et al. 2024, Section 3): each class has a token of its own to begin with.

    Attributes:
        model: A decoder-only language model.
        processing_class: Its tokenizer, which knows the tokens of the classes.
        max_length: Tokens of a row.
    """

    model: Any
    processing_class: Any
    max_length: int

    @classmethod
    def from_language_model(cls, source: str, n_classes: int, *, max_length: int) -> Self:
        """A language model that does not know the classes yet; their tokens begin as the one that opens a text.

        Raises:
            SourceNotFoundError: if there is no such language model.
            MissingDependencyError: if ``offline`` is asked for and its packages are not installed.
        """
        model, tokenizer = load_language_model(source, dtype="float32")
        opening = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        tokenizer.add_tokens([AddedToken(_class_token(code), special=True) for code in range(n_classes)])
        table = model.get_input_embeddings().weight
        if len(tokenizer) > len(table):
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            table = model.get_input_embeddings().weight
        with torch.no_grad():
            table[_class_ids(tokenizer, n_classes)] = table[opening].clone()
        return cls(model.to(PartialState().device), tokenizer, max_length)

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Writes model and tokenizer as transformers does."""
        self.model.save_pretrained(os.fspath(save_directory))
        self.processing_class.save_pretrained(os.fspath(save_directory))

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], *, max_length: int) -> Self:
        """Reads what `save_pretrained` wrote.

        Raises:
            SourceNotFoundError: if it is not there.
        """
        model, tokenizer = load_language_model(folder, dtype="float32")
        return cls(model.to(PartialState().device), tokenizer, max_length)

    def losses(self, texts: Sequence[str], codes: Sequence[int]) -> torch.Tensor:
        r"""Mean negative log-likelihood of a token of each text, after the token of its class, its end included.

        Shape:
            returns: (n_texts,), float32; it can be differentiated by the weights of the model.
        """
        ids, labels = self._encode(texts, codes)
        logits = self.model(input_ids=ids, attention_mask=(labels != _IGNORED).long()).logits[:, :-1].float()
        wanted = labels[:, 1:]
        found = functional.cross_entropy(logits.transpose(1, 2), wanted, ignore_index=_IGNORED, reduction="none")
        return found.sum(dim=1) / (wanted != _IGNORED).sum(dim=1)

    def write(self, code: int, n: int, *, seed: int, top_p: float, batch_size: int) -> list[str]:
        """Draws texts of a class.

        Args:
            code: The class.
            n: How many.
            seed: Fixes the draw.
            top_p: Tokens are drawn among the likeliest that have this probability together.
            batch_size: Texts written together.
        """
        tokenizer, texts = self.processing_class, []
        first = tokenizer.convert_tokens_to_ids(_class_token(code))
        ends = sorted(end_tokens(self.model, tokenizer))
        with torch.inference_mode(), evaluating(self.model), temporary_seed(seed):
            for start in range(0, n, batch_size):
                opening = torch.full((min(batch_size, n - start), 1), first, device=self.model.device)
                made = self.model.generate(
                    input_ids=opening,
                    attention_mask=torch.ones_like(opening),
                    do_sample=True,
                    top_p=top_p,
                    top_k=0,
                    temperature=1.0,
                    max_new_tokens=self.max_length,
                    suppress_tokens=[first],
                    pad_token_id=self._pad,
                    eos_token_id=ends or None,
                    use_cache=True,
                )
                texts += [text.strip() for text in tokenizer.batch_decode(made[:, 1:], skip_special_tokens=True)]
        return texts

    @property
    def _pad(self) -> int:
        tokenizer = self.processing_class
        return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)

    def _encode(self, texts: Sequence[str], codes: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        tokenizer = self.processing_class
        rows = []
        for text, code in zip(texts, codes, strict=True):
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            opening = [tokenizer.convert_tokens_to_ids(_class_token(code))]
            # A text that is cut has no end.
            rows.append(opening + (ids + [tokenizer.eos_token_id])[: self.max_length])
        width = max(map(len, rows))
        padded = np.full((len(rows), width), self._pad)
        labels = np.full((len(rows), width), _IGNORED)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = labels[i, : len(row)] = row
        device = self.model.device
        return torch.from_numpy(padded).to(device), torch.from_numpy(labels).to(device)


def _class_token(code: int) -> str:
    return f"<|class_{code}|>"


def _class_ids(tokenizer: Any, n_classes: int) -> list[int]:  # noqa: ANN401  (a tokenizer)
    return [tokenizer.convert_tokens_to_ids(_class_token(code)) for code in range(n_classes)]
