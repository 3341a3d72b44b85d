"""Models load where this library is not installed, and give what they give here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_classifiers import tiny_model, tiny_tokenizer
from tiny_inverters import tiny_inverter
from transformers import AutoModel, AutoModelForSequenceClassification

from condensers.inversion.inverter import EmbeddingInverter, InverterCorrector
from condensers.rewards import LabelConfidence

CHILD = Path(__file__).with_name("without_condensers.py")
TEXTS = ["apple pear", "plum", "grape melon fig"]
ATTEMPTS = ["pear", "plum fig", ""]


def models():
    inverter = tiny_inverter("causal").eval()
    return {
        "inverter": inverter,
        "inverter-t5": tiny_inverter("t5").eval(),
        "inverter-lora": tiny_inverter("causal", tuning="lora", lora_r=2).eval(),
        "corrector": InverterCorrector.from_inverter(inverter).eval(),
        "classifier": LabelConfidence.from_classifier(tiny_model(), processing_class=tiny_tokenizer()).eval(),
    }


def child(folder, sources, environment=None):
    """Isolated (-I): nothing of this checkout is on its path, and `condensers` is barred by name."""
    given = [f"{name}={source}" for name, source in sources.items()]
    command = [sys.executable, "-I", str(CHILD), str(folder), *given]
    # Asked whether to trust the code, nobody answers.
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 280, "check": False}
    return subprocess.run(command, env=environment, **options)


def inputs_for(model, embedder, folder):
    vectors = embedder.encode(TEXTS)
    rows = [torch.tensor(ids) for ids in model.label_ids(TEXTS)]
    labels = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
    np.savez(folder / "inputs.npz", vectors=vectors, labels=labels.numpy())
    return torch.from_numpy(vectors), labels


@torch.no_grad()
def test_models_give_the_same_where_the_library_is_not_installed(tmp_path, embedder, monkeypatch):
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    made = models()
    vectors, labels = inputs_for(made["inverter"], embedder, tmp_path)
    for name, model in made.items():
        model.save_pretrained(tmp_path / name)
    ran = child(tmp_path, {name: tmp_path / name for name in made})
    assert ran.returncode == 0, ran.stderr
    for name in made:
        model = AutoModel.from_pretrained(tmp_path / name)
        there = np.load(tmp_path / f"{name}.npz")
        assert there["class_name"] == f"{type(model).__name__}Model"
        if name == "classifier":
            batch = tiny_tokenizer()(["apple pear", "crow iron fig"], return_tensors="pt", padding=True)
            np.testing.assert_array_equal(there["logits"], model(**batch).logits)
            continue
        given = (vectors,) if name != "corrector" else (vectors, vectors.flip(0), ATTEMPTS)
        np.testing.assert_array_equal(there["tokens"], model.generate(*given))
        if name != "corrector":
            np.testing.assert_array_equal(there["logits"], model(vectors, labels).logits)
        assert there["n_trained"].tolist() == [weight.requires_grad for weight in model.parameters()]
    # Saved there, with the code that came along, a model loads here as ours.
    again = AutoModel.from_pretrained(tmp_path / "again-inverter")
    assert type(again) is EmbeddingInverter
    assert again.generate(vectors).equal(made["inverter"].generate(vectors))


@pytest.mark.hub
def test_a_model_on_the_hub_runs_its_own_code_where_the_library_is_not_installed(hub, tmp_path, embedder):
    model = tiny_inverter("causal").eval()
    vectors, _ = inputs_for(model, embedder, tmp_path)
    model.push_to_hub("me/inverter")
    ran = child(tmp_path, {"inverter": "me/inverter"}, hub.environment(tmp_path / "home"))
    assert ran.returncode == 0, ran.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "inverter.npz")["tokens"], model.generate(vectors))


def test_here_no_code_beside_the_weights_is_run(tmp_path):
    for name, model in models().items():
        model.save_pretrained(tmp_path / name)
        for file in (tmp_path / name).glob("*.py"):
            file.write_text("raise SystemExit('code beside the weights was run')\n")
        for auto in (AutoModel, AutoModelForSequenceClassification)[: 2 if name == "classifier" else 1]:
            for options in ({}, {"trust_remote_code": True}):
                assert type(auto.from_pretrained(tmp_path / name, **options)) is type(model)


def test_a_model_of_before_the_code_travelled_still_loads(tmp_path):
    for name, model in models().items():
        model.save_pretrained(tmp_path / name)
        for file in (tmp_path / name).glob("*.py"):
            file.unlink()
        path = tmp_path / name / "config.json"
        config = json.loads(path.read_text())
        for later in ("auto_map", "base_model", "base_revision", "training"):
            config.pop(later, None)
        path.write_text(json.dumps(config))
        again = AutoModel.from_pretrained(tmp_path / name)
        assert type(again) is type(model)
        assert again.state_dict().keys() == model.state_dict().keys()
        again.save_pretrained(tmp_path / "again")
        assert "auto_map" in json.loads((tmp_path / "again" / "config.json").read_text())
        shutil.rmtree(tmp_path / "again")


def test_the_code_that_travels_needs_torch_transformers_and_numpy_alone(tmp_path):
    from transformers.dynamic_module_utils import get_imports

    for name, model in models().items():
        model.save_pretrained(tmp_path / name)
        files = list((tmp_path / name).glob("*.py"))
        assert len(files) >= 2
        needed = {package for file in files for package in get_imports(file)}
        standard = {"typing", "os", "math", "collections"}
        assert needed - standard <= {"torch", "transformers", "numpy", "huggingface_hub"}


def test_without_peft_a_model_with_an_adapter_says_what_it_needs(monkeypatch):
    from condensers.inversion.inverter.network import modeling_prefixed

    monkeypatch.setattr(modeling_prefixed, "is_peft_available", lambda: False)
    with pytest.raises(ImportError, match="pip install peft"):
        tiny_inverter("causal", tuning="lora", lora_r=2)
