"""The classifier whose gradients are matched."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate import PartialState
from torch import nn
from torch.nn import functional
from transformers import AutoTokenizer, get_cosine_schedule_with_warmup

from condensers.data import quiet_loading, temporary_seed
from condensers.embedding import model_folder
from condensers.errors import SettingError
from condensers.rewards import load_classifier

# CondenseLM's Table 13 and DiLM's evaluation, which is also how DiLM trains the classifier between two comparisons.
_WARMUP, _DECAY, _MAX_GRAD_NORM = 0.5, 0.01, 1.0

Parts = tuple[str, ...]


class MatchedClassifier:
    """A sequence classifier that begins anew again and again, and tells how rows pull at its last layer.

    Gradients are those of the last layer alone, in closed form, as DiLM takes them: it needs no second backward pass.

    Args:
        source: Encoder or classifier: Hub id, folder, or ``offline``.
        n_classes: Classes.
        max_length: Tokens of a row.
        learning_rate: Peak rate of its training.
        seed: Seed of what a new head holds at first.

    Raises:
        SourceNotFoundError: if there is no such model.
        SettingError: if its last layer does not see one vector a row.
    """

    def __init__(
        self, source: str, n_classes: int, *, max_length: int = 128, learning_rate: float = 1e-4, seed: int = 0
    ) -> None:
        folder = str(model_folder(source))
        with temporary_seed(seed), quiet_loading():
            self.model: Any = load_classifier(folder, [str(code) for code in range(n_classes)])
        self.model.to(PartialState().device)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._n_classes = n_classes
        self._max_length = max_length
        self._learning_rate = learning_rate
        self._last = _last_layer(self.model, n_classes, source)
        self._first = {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}
        self.restart(seed, 1)

    def restart(self, seed: int, n_steps: int) -> None:
        """Goes back to the first weights, with a last layer that is drawn anew.

        Args:
            seed: Of the last layer, and of dropout from here on.
            n_steps: Steps of training that lie ahead, for the schedule.
        """
        self.model.load_state_dict(self._first)
        with temporary_seed(seed), torch.no_grad():
            nn.init.normal_(self._last.weight, std=getattr(self.model.config, "initializer_range", 0.02))
            nn.init.zeros_(self._last.bias)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=self._learning_rate, weight_decay=_DECAY, foreach=True
        )
        self._schedule = get_cosine_schedule_with_warmup(self._optimizer, int(_WARMUP * n_steps), n_steps)

    def encode(self, rows: Sequence[Parts]) -> dict[str, torch.Tensor]:
        """Tokens of rows, padded.

        Shape:
            returns: tensors (n_rows, length).
        """
        return dict(self.tokens(rows).to(self.model.device))

    def tokens(self, rows: Sequence[Parts], **options: Any) -> Any:  # noqa: ANN401  (a BatchEncoding)
        """Tokens of rows as the tokenizer gives them; a second part goes where the model expects it."""
        second = [row[1] for row in rows] if len(rows[0]) > 1 else None
        return self.tokenizer(
            [row[0] for row in rows],
            second,
            padding=True,
            truncation=True,
            max_length=self._max_length,
            return_tensors="pt",
            **options,
        )

    def learn(self, inputs: Mapping[str, torch.Tensor], codes: torch.Tensor) -> None:
        """One step of training."""
        self.model.train()
        functional.cross_entropy(self.model(**inputs).logits.float(), codes).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), _MAX_GRAD_NORM)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad()

    def look(self, inputs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the last layer sees of rows, and what it answers, without dropout.

        Shape:
            returns: (n_rows, width) and (n_rows, n_classes), float32.
        """
        self.model.eval()
        seen: list[torch.Tensor] = []
        hook = self._last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            logits = self.model(**inputs).logits
        finally:
            hook.remove()
        if seen[-1].dim() != 2:
            raise SettingError(
                f"the last layer of the classifier must see one vector a row; that of {type(self.model).__name__} "
                f"sees shape {tuple(seen[-1].shape)}. Take an encoder such as BERT."
            )
        return seen[-1].float(), logits.float()


def last_layer_gradient(
    inputs: torch.Tensor, logits: torch.Tensor, codes: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    r"""Gradient of :math:`\sum_i w_i \ell_i` by weights and bias of a linear layer that cross-entropy follows.

    .. math:: \sum_i w_i \, (\operatorname{softmax}(z_i) - y_i) \, (x_i, 1)^\top

    Shape:
        inputs: (n_rows, width), what the layer sees; logits: (n_rows, n_classes); codes: (n_rows,).
        weights: (n_rows,); None is the mean, :math:`w_i = 1 / n`.
        returns: (n_classes, width + 1), the bias last.
    """
    errors = logits.softmax(dim=-1) - functional.one_hot(codes, logits.shape[-1])
    errors = errors / len(codes) if weights is None else errors * weights[:, None]
    return torch.cat([errors.T @ inputs, errors.sum(dim=0)[:, None]], dim=1)


def _last_layer(model: nn.Module, n_classes: int, source: str) -> nn.Linear:
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not layers or layers[-1].out_features != n_classes or layers[-1].bias is None:
        raise SettingError(
            f"the classifier {source!r} must end in a linear layer with a bias and {n_classes} outputs, whose "
            f"gradients are matched. Take an encoder such as BERT."
        )
    return layers[-1]
