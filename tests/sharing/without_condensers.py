"""Loads models where `condensers` cannot be imported, and writes what they give; run by `test_remote_code.py`."""

import sys

import numpy as np
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer


@torch.no_grad()
def run(name, source, inputs):
    auto = AutoModelForSequenceClassification if name == "classifier" else AutoModel
    model = auto.from_pretrained(source, trust_remote_code=True)
    if name == "classifier":
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=True)
        batch = tokenizer(["apple pear", "crow iron fig"], return_tensors="pt", padding=True)
        return model, {"logits": model(**batch).logits}
    vectors, labels = torch.from_numpy(inputs["vectors"]), torch.from_numpy(inputs["labels"])
    given = (vectors,) if name != "corrector" else (vectors, vectors.flip(0), ["pear", "plum fig", ""])
    return model, {
        "tokens": model.generate(*given),
        "logits": model(vectors, labels).logits if name != "corrector" else torch.zeros(1),
    }


def main(folder, *sources):
    sys.modules["condensers"] = None
    try:
        import condensers  # noqa: F401
    except ImportError:
        pass
    else:
        raise SystemExit("condensers can be imported here")
    inputs = dict(np.load(f"{folder}/inputs.npz"))
    for given in sources:
        name, _, source = given.partition("=")
        try:
            AutoModel.from_pretrained(source)
        except ValueError as error:
            if "trust_remote_code=True" not in str(error):
                raise
        else:
            raise SystemExit(f"{source} loads without the user's word")
        kind = name.partition("-")[0]
        model, found = run(kind, source, inputs)
        if kind != "classifier":
            found["n_trained"] = torch.tensor([weight.requires_grad for weight in model.parameters()])
        arrays = {key: value.detach().numpy() for key, value in found.items()}
        np.savez(f"{folder}/{name}.npz", class_name=type(model).__name__, **arrays)
        # What was loaded by its own code is saved with it.
        model.save_pretrained(f"{folder}/again-{name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
