"""How many rows of a class go into a round, and how many come out."""

from dataclasses import dataclass
from statistics import median

from condensers.data import Rows
from condensers.errors import SettingError
from condensers.llm.tokens import rough_tokens
from condensers.methods.llm_config import RoundConfig

_LONG = 150
_MANY_CLASSES = 4


@dataclass(frozen=True)
class SubsetSizes:
    """Rows of each class, retrieved and condensed.

    Attributes:
        retrieved: K.
        condensed: K'.
    """

    retrieved: int
    condensed: int


# CondenseLM, Table 3; the rows are per class.
IMDB = SubsetSizes(5, 1)
MNLI = SubsetSizes(10, 5)
AG_NEWS = SubsetSizes(10, 2)
SST2 = SubsetSizes(20, 5)


def subset_sizes(rows: Rows, config: RoundConfig) -> SubsetSizes:
    """The sizes that are set, else those of the dataset of Table 3 that is most like these rows.

    The paper chooses by length of text and number of labels (Section 3.1) and gives no rule. Here: pairs as MNLI,
    texts of a median of 150 tokens or more as IMDB, four classes or more as AG News, the rest as SST-2.

    Raises:
        SettingError: if more rows would come out of a round than go into it.
    """
    if rows.columns.kind == "pair":
        likely = MNLI
    elif median(rough_tokens(text) for text in rows.texts) >= _LONG:
        likely = IMDB
    else:
        likely = AG_NEWS if len(rows.class_counts) >= _MANY_CLASSES else SST2
    condensed = config.condensed_size or min(likely.condensed, config.subset_size or likely.condensed)
    retrieved = config.subset_size or max(likely.retrieved, condensed)
    if condensed > retrieved:
        raise SettingError(
            f"`condensed_size` must be at most `subset_size`, {retrieved}; got {condensed}. A round condenses "
            f"rows, it does not multiply them."
        )
    return SubsetSizes(retrieved, condensed)
