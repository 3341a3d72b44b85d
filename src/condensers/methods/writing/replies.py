"""The forms that an LLM's reply can have: JSON schemas, and lines read leniently."""

import re
from typing import Literal

from pydantic import BaseModel

Form = Literal["json", "lines", "single"]
"""How rows are asked for: all classes in one JSON object, one class in lines of text, or one row a reply."""

_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
_TAGS = re.compile(r"</?\s*(?:text|label)\s*>", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*\u2022\u2013]\s+|[(#]?\d{1,3}[.):]+\s+)+")
_QUOTES = ('""', "''", "\u201c\u201d", "\u2018\u2019", "``")


class Feature(BaseModel):
    """A discriminative feature: the label it speaks for, what it is, and how it shows in the samples."""

    label: str
    feature: str
    exemplars: list[str]


class Features(BaseModel):
    """Reply to the first prompt of LDSC."""

    features: list[Feature]


class UniversalFeatures(BaseModel):
    """Reply to the second prompt of LDSC."""

    features: list[str]


class Sample(BaseModel):
    """A new row of one text."""

    label: str
    text: str


class Samples(BaseModel):
    """New rows of one text."""

    samples: list[Sample]


class PairSample(BaseModel):
    """A new row of two texts."""

    label: str
    first: str
    second: str


class PairSamples(BaseModel):
    """New rows of two texts."""

    samples: list[PairSample]


class Premises(BaseModel):
    """First texts of pairs that would go with any label."""

    premises: list[str]


class Second(BaseModel):
    """A second text, the number of the first text it belongs to, and the label of the pair."""

    number: int
    label: str
    second: str


class Seconds(BaseModel):
    """Second texts for numbered first texts."""

    samples: list[Second]


def lines_of(text: str) -> list[str]:
    """The lines of a reply without what models put around them: numbers, bullets, quotes, fences, a first remark."""
    lines = [bare(line) for line in _FENCE.sub("", text).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines = lines[1:]
    return [line for line in lines if line]


def single_of(text: str) -> str:
    """A reply that is one text: its lines joined, without an opening remark."""
    return bare(" ".join(lines_of(text)))


def bare(text: str) -> str:
    """A text without tags, bullet or number in front, and quotes around it."""
    text = re.sub(r"\s+", " ", _BULLET.sub("", untagged(text)))
    while len(text) > 1 and any(text[0] == pair[0] and text[-1] == pair[1] for pair in _QUOTES):
        text = text[1:-1].strip()
    return text


def untagged(text: str) -> str:
    """A text without the tags that delimit data in prompts, which models like to repeat."""
    return _TAGS.sub(" ", text).strip()
