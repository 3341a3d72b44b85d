"""Datasets that ship with the package, so that examples, the demo and tests need no download."""

import json
from importlib.resources import files

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from condensers.errors import SourceNotFoundError

SAMPLE_PREFIX = "sample:"
SAMPLES = ("shop_messages",)


def sample_dataset(name: str = "shop_messages") -> DatasetDict:
    """Loads a dataset that ships with the package.

    ``shop_messages`` holds customer messages to an online shop in eight classes that overlap, with a training and a
    test split; its card stands beside it.

    Raises:
        SourceNotFoundError: if there is no sample of that name.
    """
    if name not in SAMPLES:
        raise SourceNotFoundError(f"there is no sample dataset {name!r}; there is {', '.join(SAMPLES)}.")
    folder = files(__name__) / name
    names = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    splits = {}
    for split in ("train", "test"):
        lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        splits[split] = Dataset.from_list([json.loads(line) for line in lines], features=features)
    return DatasetDict(splits)
