"""Whether an answer to a question of school mathematics is right."""

import re
from decimal import Decimal

_MARK = "####"
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\$?\.\d+")


def final_number(text: str) -> Decimal | None:
    """The number that a solution ends with: the first after the mark ``####``, else the last of all; None without one.

    Thousands may have commas, and money its dollar.
    """
    before, mark, after = text.rpartition(_MARK)
    found = _NUMBER.findall(after) if mark else []
    if found:
        return _value(found[0])
    found = _NUMBER.findall(before if mark else text)
    return _value(found[-1]) if found else None


def same_result(answer: str, reference: str) -> bool:
    """Whether two solutions come to the same number: exact match as GSM8K is scored (Cobbe et al. 2021).

    Args:
        answer: The solution to be judged.
        reference: The right one.
    """
    expected = final_number(reference)
    return expected is not None and final_number(answer) == expected


def _value(number: str) -> Decimal:
    return Decimal(re.sub(r"[$,]", "", number))
