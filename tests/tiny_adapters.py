"""SoftSRV adapters on a language model of a few thousand weights."""

import torch
from peft import get_peft_model
from tiny_language_models import tiny_lm

from condensers.softsrv import SoftSRVConfig

PARAMETERIZATIONS = ("static", "mixture", "mlp")
CONTEXT_DIM = 32  # That of `WordEmbedder`.


def tiny_config(parameterization="mlp", **settings):
    given = {"num_virtual_tokens": 4, "context_dim": CONTEXT_DIM, "mlp_hidden_size": 8}
    return SoftSRVConfig(parameterization=parameterization, **given | settings)


def tiny_adapter(parameterization="mlp", *, base=None, seed=0, **settings):
    base = tiny_lm() if base is None else base
    torch.manual_seed(seed)
    return get_peft_model(base, tiny_config(parameterization, **settings))


def contexts(n=3, seed=0, dim=CONTEXT_DIM):
    found = torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))
    return found / found.norm(dim=1, keepdim=True)


def labels(n=3, n_tokens=5, seed=0):
    """Token ids; each row but the first is filled up from its second token on."""
    found = torch.randint(3, 27, (n, n_tokens), generator=torch.Generator().manual_seed(seed))
    for row in range(1, n):
        found[row, 1 + row :] = -100
    return found


def encoder_of(model, name="default"):
    return model.base_model.model.softsrv.softsrv_encoder[name]
