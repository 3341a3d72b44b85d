"""The forms that an LLM's reply can have: JSON schemas, or plain text (`condensers.llm.text_reply`)."""

from typing import Literal

from pydantic import BaseModel

Form = Literal["json", "lines", "single"]
"""How rows are asked for: all classes in one JSON object, one class in lines of text, or one row a reply."""


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
