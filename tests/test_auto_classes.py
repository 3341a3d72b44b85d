"""`import condensers` alone makes our types known, in whatever order it and their hosts are imported."""

import subprocess
import sys

import pytest
from tiny_adapters import tiny_config
from tiny_classifiers import tiny_model
from tiny_inverters import tiny_inverter

from condensers.auto_classes import MODEL_TYPES
from condensers.rewards import LabelConfidence

LOAD = """
from transformers import AutoConfig, AutoModel
from peft import PeftConfig
for model_type in sys.argv[2:]:
    model = AutoModel.from_pretrained(f"{sys.argv[1]}/{model_type}")
    assert type(AutoConfig.for_model(model_type)) is type(model.config)
    print(type(model).__name__)
print(type(PeftConfig.from_pretrained(f"{sys.argv[1]}/adapter")).__name__)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_inverter().save_pretrained(folder / "embedding_inverter")
    LabelConfidence.from_classifier(tiny_model()).save_pretrained(folder / "label_confidence")
    tiny_config("mixture").save_pretrained(folder / "adapter")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    [
        "import sys, condensers.inversion\nassert not {'transformers', 'peft'} & set(sys.modules)",
        "import sys, transformers.models.auto.modeling_auto, peft, condensers",
    ],
    ids=["ours first", "ours last"],
)
def test_importing_the_package_is_enough(saved, order):
    known = ["embedding_inverter", "label_confidence"]
    ran = subprocess.run([sys.executable, "-c", order + LOAD, saved, *known], capture_output=True, text=True)
    assert ran.stdout.split() == ["EmbeddingInverter", "LabelConfidence", "SoftSRVConfig"], ran.stderr
    assert set(known) < set(MODEL_TYPES)
