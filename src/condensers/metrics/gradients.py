"""Whether a few rows pull a classifier where the whole dataset pulls it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import PartialState
from torch.nn import functional
from transformers import AutoTokenizer, get_linear_schedule_with_warmup

from condensers.data import quiet_loading, temporary_seed
from condensers.embedding import DEFAULT_EMBEDDER, Matrix, VectorRows, model_folder
from condensers.errors import RowError, SettingError
from condensers.metrics.resampling import Values
from condensers.rewards import load_classifier
from condensers.selection import KCenter

# CondenseLM, Appendix A.4 and Table 13.
_SCHEDULE_STEPS, _WARMUP, _LEARNING_RATE, _BATCH_SIZE, _DECAY = 200, 0.5, 1e-4, 64, 0.01
_MAX_LENGTH = 128
# Rows of one forward and backward pass, alike in length; the gradients of all passes are added up.
_PASS_ROWS = 16
# A null sample costs passes through the model; resamples of the predictions cost none.
_MAX_SAMPLES = 20
# Gradients of single rows held at once while their products are taken; each is as large as the model.
_HELD = 8


@dataclass(frozen=True)
class _Labelled:
    texts: Sequence[str]
    codes: np.ndarray


@dataclass(frozen=True)
class _Gradient:
    """The gradient of a loss; of word vectors, only those of words that occur.

    Shape:
        dense: (n_parameters - n_words_in_all * dim,).
        words: (n_words,), int64, ascending.
        vectors: (n_words, dim).
    """

    dense: torch.Tensor
    words: torch.Tensor
    vectors: torch.Tensor

    def dot(self, other: "_Gradient") -> torch.Tensor:
        """The inner product, float32."""
        places = torch.searchsorted(other.words, self.words).clamp(max=len(other.words) - 1)
        shared = other.words[places] == self.words
        vectors = self.vectors[shared].float() * other.vectors[places[shared]].float()
        return torch.dot(self.dense.float(), other.dense.float()) + vectors.sum()

    def unit_half(self) -> "_Gradient":
        """The same direction in float16, of root mean square near 1."""
        size = self.dense.numel() + self.vectors.numel()
        scale = (self.dot(self) / size).sqrt().clamp(min=torch.finfo(torch.float32).tiny)
        return _Gradient((self.dense / scale).half(), self.words, (self.vectors / scale).half())


@dataclass(frozen=True)
class _Checkpoint:
    """The model as it was at some step, and where the source pulls it then, class by class."""

    weights: dict[str, torch.Tensor]
    teachers: list[_Gradient]


class GradientSimilarity:
    r"""Cosine of the gradients of a few rows and of the source, class by class (CondenseLM, Table 1 and A.4).

    .. math:: \frac{1}{|C| \, |T|} \sum_{t \in T} \sum_{c \in C} \cos\big(\nabla \ell(S_c; \theta_t),
       \nabla \ell(R_c; \theta_t)\big)

    A classifier is trained on the references for `steps` steps of a schedule of 200 (learning rate 1e-4, warm-up 0.5);
    every `every` steps, the mean loss of the predictions of class c, S, is set against that of up to `per_class`
    references of the class, R, chosen by K-Center where vectors are given and at random otherwise. Dropout is off when
    gradients are taken.

    In a resample of the predictions their number a class stays; it costs no pass through the model, since its cosine
    follows from the inner products of single rows' gradients. A null sample has as many rows of each class as the
    predictions; it does cost passes, so at most 20 are drawn, and repeated to the number that is asked for. The foil
    has the labels of the predictions moved on by one class.

    Args:
        predictions: Texts to be judged.
        references: Texts of the source.
        prediction_labels: Classes of the predictions.
        reference_labels: Classes of the references.
        prediction_vectors: Not needed.
        reference_vectors: Vectors of the references, for K-Center.
        model: Classifier or encoder to train: a Hub id, a folder, or ``"offline"``.
        steps: Training steps.
        every: Steps from one comparison to the next.
        per_class: References of a class that stand for all of it.
        seed: Fixes all that is drawn.

    Shape:
        prediction_labels: (n_predictions,); reference_labels: (n_references,).

    Raises:
        SettingError: if labels are missing or a number is out of its range.
        RowError: if labels are too few, or the predictions have a class that the references lack.
        SourceNotFoundError: if there is no such model.
    """

    def __init__(
        self,
        predictions: Sequence[str],
        references: Sequence[str],
        *,
        prediction_labels: Sequence[int | str] | None = None,
        reference_labels: Sequence[int | str] | None = None,
        prediction_vectors: Matrix | None = None,
        reference_vectors: Matrix | None = None,
        model: str = DEFAULT_EMBEDDER,
        steps: int = 40,
        every: int = 20,
        per_class: int = 200,
        seed: int = 0,
    ) -> None:
        for name, value in (("steps", steps), ("every", every), ("per_class", per_class)):
            if value < 1:
                raise SettingError(f"`{name}` must be at least 1; got {value!r}.")
        if steps % every:
            raise SettingError(f"`steps` must be a multiple of `every`; got {steps} and {every}.")
        self.n_references = len(references)
        names = sorted(set(_labels(references, reference_labels, "reference")), key=str)
        self._few = _coded(predictions, prediction_labels, names, "prediction")
        self._many = _coded(references, reference_labels, names, "reference")
        self._classes = np.unique(self._few.codes)
        self._seed = seed
        folder = str(model_folder(model))
        with temporary_seed(seed):
            with quiet_loading():
                self._model = load_classifier(folder, [str(name) for name in names]).to(PartialState().device)
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            self._checkpoints = self._train(steps, every, self._teachers(per_class, reference_vectors))

    def value(self) -> dict[str, float]:
        """Similarity of the predictions."""
        return {"gradient_similarity": float(self._similarities([self._few])[0])}

    def bootstrap(self, n: int, rng: np.random.Generator) -> Values:
        """Similarities of resamples of the predictions; the references stay."""
        parts = [np.flatnonzero(self._few.codes == code) for code in self._classes]
        drawn = [rng.multinomial(len(part), np.full(len(part), 1 / len(part)), size=n) for part in parts]
        found = np.zeros(n)
        for checkpoint in self._checkpoints:
            self._model.load_state_dict(checkpoint.weights)
            for part, teacher, counts in zip(parts, checkpoint.teachers, drawn, strict=True):
                with_teacher, with_each_other = self._products(_subset(self._few, part), teacher)
                squares = np.einsum("ni,ij,nj->n", counts, with_each_other, counts) * float(teacher.dot(teacher))
                found += counts @ with_teacher / np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny))
        return {"gradient_similarity": found / (len(self._checkpoints) * len(parts))}

    def null(self, n: int, rng: np.random.Generator) -> Values:
        """Similarities of samples of the references with as many rows of each class as the predictions."""
        sets = []
        for _ in range(min(n, _MAX_SAMPLES)):
            chosen = []
            for code in self._classes:
                here, size = np.flatnonzero(self._many.codes == code), int((self._few.codes == code).sum())
                chosen.append(rng.choice(here, size, replace=size > len(here)))
            sets.append(_subset(self._many, np.concatenate(chosen)))
        return {"gradient_similarity": np.resize(self._similarities(sets), n)}

    def foil(self, rng: np.random.Generator) -> dict[str, float]:
        """Similarity of the predictions with wrong labels."""
        moved = {code: self._classes[(i + 1) % len(self._classes)] for i, code in enumerate(self._classes)}
        wrong = _Labelled(self._few.texts, np.asarray([moved[code] for code in self._few.codes]))
        return {"gradient_similarity": float(self._similarities([wrong])[0])}

    def _similarities(self, sets: list[_Labelled]) -> np.ndarray:
        found = np.zeros((len(sets), len(self._checkpoints)))
        for number, checkpoint in enumerate(self._checkpoints):
            self._model.load_state_dict(checkpoint.weights)
            for which, rows in enumerate(sets):
                for code, teacher in zip(self._classes, checkpoint.teachers, strict=True):
                    gradient = self._gradient(_subset(rows, np.flatnonzero(rows.codes == code)))
                    norm = (gradient.dot(gradient) * teacher.dot(teacher)).sqrt()
                    found[which, number] += float(gradient.dot(teacher) / norm.clamp(min=torch.finfo(norm.dtype).tiny))
        return found.mean(axis=1) / len(self._classes)

    def _products(self, rows: _Labelled, teacher: _Gradient) -> tuple[np.ndarray, np.ndarray]:
        """Inner products of the gradients of single rows with a teacher's and with each other.

        Shape:
            returns: (n_rows,) and (n_rows, n_rows), float64.
        """
        n = len(rows.codes)
        with_teacher, with_each_other = np.zeros(n), np.zeros((n, n))
        for start in range(0, n, _HELD):
            held: list[_Gradient] = []
            for row in range(start, n):
                gradient = self._gradient(_subset(rows, np.asarray([row])))
                if len(held) < _HELD:
                    held.append(gradient)
                    with_teacher[row] = float(gradient.dot(teacher))
                for place, other in enumerate(held, start):
                    with_each_other[place, row] = with_each_other[row, place] = float(gradient.dot(other))
        return with_teacher, with_each_other

    def _teachers(self, per_class: int, vectors: Matrix | None) -> list[_Labelled]:
        """The references that stand for each class."""
        rng = np.random.default_rng(self._seed)
        found = []
        for code in self._classes:
            here = np.flatnonzero(self._many.codes == code)
            if len(here) > per_class:
                if vectors is None:
                    here = here[np.sort(rng.permutation(len(here))[:per_class])]
                else:
                    here = here[KCenter(seed=self._seed).select(VectorRows(vectors, here), per_class)]
            found.append(_subset(self._many, here))
        return found

    def _train(self, steps: int, every: int, teachers: list[_Labelled]) -> list[_Checkpoint]:
        """Trains on the references and stops to look; what is kept has the weights and the teachers' gradients."""
        model, rng = self._model, np.random.default_rng(self._seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=_DECAY)
        n_steps = max(_SCHEDULE_STEPS, steps)
        schedule = get_linear_schedule_with_warmup(optimizer, int(_WARMUP * n_steps), n_steps)
        n_passes = 1 + steps * _BATCH_SIZE // self.n_references
        order = np.concatenate([rng.permutation(self.n_references) for _ in range(n_passes)])
        found = []
        for step in range(1, steps + 1):
            model.train()
            batch = _subset(self._many, order[(step - 1) * _BATCH_SIZE : step * _BATCH_SIZE])
            for share, part in _passes(batch):
                (share * self._loss(part)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if step % every == 0:
                kept = {name: weight.clone() for name, weight in model.state_dict().items()}
                found.append(_Checkpoint(kept, [self._gradient(rows).unit_half() for rows in teachers]))
        return found

    def _gradient(self, rows: _Labelled) -> _Gradient:
        """Gradient of the mean loss of rows."""
        model = self._model.eval()
        table = model.get_input_embeddings()
        others = [weight for weight in model.parameters() if weight is not table.weight]
        dense: torch.Tensor | float = 0.0
        parts = []
        table.sparse = True
        try:
            for share, part in _passes(rows):
                loss = share * self._loss(part)
                words, *found = torch.autograd.grad(
                    loss, [table.weight, *others], allow_unused=True, materialize_grads=True
                )
                dense = dense + torch.cat([gradient.flatten() for gradient in found])
                parts.append(words)
        finally:
            table.sparse = False  # which the optimizer would not take
        words = sum(parts[1:], parts[0]).coalesce()
        return _Gradient(torch.as_tensor(dense), words.indices()[0], words.values())

    def _loss(self, rows: _Labelled) -> torch.Tensor:
        tokens = self._tokenizer(
            list(rows.texts), padding=True, truncation=True, max_length=_MAX_LENGTH, return_tensors="pt"
        ).to(self._model.device)
        codes = torch.from_numpy(rows.codes).to(self._model.device)
        return functional.cross_entropy(self._model(**tokens).logits.float(), codes)


def _labels(texts: Sequence[str], labels: Sequence[int | str] | None, what: str) -> list[int | str]:
    if labels is None:
        raise SettingError(f"gradients need classes; pass `{what}_labels=`, one a text.")
    found = list(labels)
    if len(found) != len(texts):
        raise RowError(f"there are {len(texts)} {what}s and {len(found)} `{what}_labels`; each text needs one.")
    return found


def _coded(texts: Sequence[str], labels: Sequence[int | str] | None, names: list[int | str], what: str) -> _Labelled:
    found = _labels(texts, labels, what)
    codes = {name: code for code, name in enumerate(names)}
    unknown = next((label for label in found if label not in codes), None)
    if unknown is not None:
        raise RowError(f"{unknown!r} is a class of the {what}s and not of the references.")
    if len(names) < 2:
        raise RowError(f"gradients of a classifier need two classes or more; the references have only {names[0]!r}.")
    return _Labelled(texts, np.asarray([codes[label] for label in found], dtype=np.int64))


def _subset(rows: _Labelled, positions: np.ndarray) -> _Labelled:
    return _Labelled([rows.texts[i] for i in positions.tolist()], rows.codes[positions])


def _passes(rows: _Labelled) -> Iterator[tuple[float, _Labelled]]:
    """Parts of rows, from short to long, so that little is padded; each with its share of the rows."""
    order = np.argsort([len(text) for text in rows.texts], kind="stable")
    for start in range(0, len(order), _PASS_ROWS):
        positions = order[start : start + _PASS_ROWS]
        yield len(positions) / len(order), _subset(rows, positions)
