"""Rows that a classifier gets most wrong early in its training."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from condensers.embedding import EmbeddedRows, Matrix, iter_blocks
from condensers.selection.protocol import check_sizes
from condensers.selection.softmax_regression import SoftmaxRegression


def el2n_scores(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    r"""EL2N scores of rows (Paul et al. 2021): :math:`\lVert p(x_i) - y_i \rVert_2`, the mean over the models.

    The probabilities may come from any classifier that was stopped early.

    Shape:
        probabilities: (n_rows, num_models, n_classes), or (n_rows, n_classes) of one model.
        codes: (n_rows,), int64, the class of each row.
        returns: (n_rows,), float32, in [0, sqrt(2)]; large is hard.
    """
    errors = np.array(probabilities, dtype=np.float32)
    errors = errors.reshape(len(errors), -1, errors.shape[-1])
    errors[np.arange(len(errors)), :, codes] -= 1.0
    return np.linalg.norm(errors, axis=-1).mean(axis=1)


@dataclass(frozen=True)
class EL2N:
    """Rows by their EL2N score (Paul et al. 2021; CondenseLM, Table 5 and Appendix A.3).

    The score is that of a linear layer on the vectors after few epochs, averaged over several first weights; the paper
    trains whole networks. The hardest rows of each class are taken, as in CondenseLM, which found them worse than
    random rows where few are taken: what is hardest is also what is labelled wrongly.

    Attributes:
        hardest: Take the rows of the largest score; otherwise those of the smallest.
        num_models: First weights.
        head: How the linear layer is trained.
        seed: Seed of first weights and batches.
    """

    hardest: bool = True
    num_models: int = 10
    head: SoftmaxRegression = field(default_factory=SoftmaxRegression)
    seed: int = 0

    def select_by_class(
        self, rows: EmbeddedRows, codes: np.ndarray, counts: Mapping[int, int]
    ) -> dict[int, np.ndarray]:
        """Selects `counts[code]` rows of each class; see `SupervisedSelector.select_by_class`.

        Raises:
            BudgetError: if a class has too few rows.
            RowError: if there are fewer than two classes.
            SettingError: if a setting is out of its range.
        """
        check_sizes(rows, codes, counts)
        scores = self.scores(rows.vectors, codes)
        order = np.argsort(-scores if self.hardest else scores, kind="stable")
        return {code: order[codes[order] == code][:n] for code, n in counts.items()}

    def scores(self, x: Matrix, codes: np.ndarray) -> np.ndarray:
        """EL2N score of each row.

        Shape:
            x: (n_rows, dim), float32; codes: (n_rows,), int64; returns: (n_rows,), float32.

        Raises:
            SettingError: if a setting is out of its range.
        """
        _, codes = np.unique(codes, return_inverse=True)
        heads = self.head.fit(x, codes, num_models=self.num_models, seed=self.seed)
        return np.concatenate(
            [el2n_scores(heads.predict_proba(block), codes[where]) for where, block in iter_blocks(x)]
        )
