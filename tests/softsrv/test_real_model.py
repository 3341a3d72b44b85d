"""An adapter on a real language model."""

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from condensers.llm import SamplingSettings
from condensers.softsrv import SoftSRVConfig
from condensers.softsrv.generation import SoftSRVWriter

TEXTS = ["Why is the sky blue?", "How many eggs are in a dozen?"]


@pytest.mark.slow
@pytest.mark.models("smollm2")
def test_smollm2_learns_two_texts_by_their_contexts_and_stays_as_it_was(smollm2):
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    base = AutoModelForCausalLM.from_pretrained(smollm2)
    kept = {name: weight.clone() for name, weight in base.named_parameters()}
    torch.manual_seed(0)
    model = get_peft_model(base, SoftSRVConfig(num_virtual_tokens=4, context_dim=8))
    contexts = torch.eye(2, 8)
    rows = [torch.tensor([*tokenizer(text)["input_ids"], tokenizer.eos_token_id]) for text in TEXTS]
    labels = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
    optimiser = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=1e-3)
    losses = []
    for _ in range(40):
        loss = model(context=contexts, labels=labels).loss
        losses.append(loss.item())
        if losses[-1] < 0.05:
            break
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert losses[0] > 2 and losses[-1] < 0.3
    greedy = SamplingSettings(temperature=0, max_tokens=16)
    assert SoftSRVWriter(model, tokenizer, greedy).write(contexts.numpy()).texts == TEXTS
    assert all(weight.equal(kept[name]) for name, weight in model.unload().named_parameters())
