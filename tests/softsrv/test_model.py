"""The adapter on a model: losses, texts, what is trained, save and load, and what PEFT does with any method."""

import copy
import warnings

import numpy as np
import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file
from tiny_adapters import PARAMETERIZATIONS, contexts, encoder_of, labels, tiny_adapter, tiny_config
from tiny_inverters import tiny_t5
from tiny_language_models import tiny_lm
from transformers import AutoModel, GPT2Config, GPT2LMHeadModel

from condensers.errors import SettingError

NEAR = {"rtol": 1e-4, "atol": 1e-5}


def losses(model, n_steps=30, lr=1e-2):
    optimiser = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=lr)
    found = []
    for _ in range(n_steps):
        loss = model(context=contexts(), labels=labels()).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        found.append(loss.item())
    return found


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_the_loss_is_that_of_writing_each_text_after_the_virtual_tokens(parameterization):
    model = tiny_adapter(parameterization)
    base = tiny_lm().eval()
    prompt = encoder_of(model)(contexts())
    total, n_tokens = 0.0, 0
    for row, target in zip(prompt, labels(), strict=True):
        text = target[target != -100]
        inputs = torch.cat([row, base.get_input_embeddings()(text)])
        scores = base(inputs_embeds=inputs[None]).logits[0, 3:-1].log_softmax(-1)
        total -= scores.gather(1, text[:, None]).sum()
        n_tokens += len(text)
    out = model(context=contexts(), labels=labels())
    torch.testing.assert_close(out.loss, total / n_tokens, **NEAR)
    # Logits at j are those of token j, so the same loss follows from them.
    again = torch.nn.functional.cross_entropy(out.logits.flatten(0, 1), labels().flatten(), ignore_index=-100)
    torch.testing.assert_close(out.loss, again, **NEAR)


def test_no_virtual_token_is_learned_to_be_written():
    """The loss of a text of one token is that of the last virtual token's prediction alone."""
    model = tiny_adapter()
    out = model(context=contexts(1), labels=torch.tensor([[7]]))
    assert out.logits.shape == (1, 1, 27)
    whole = tiny_lm()(inputs_embeds=encoder_of(model)(contexts(1))).logits[0, -1]
    torch.testing.assert_close(out.loss, -whole.log_softmax(-1)[7], **NEAR)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_training_changes_the_adapter_alone(parameterization):
    model = tiny_adapter(parameterization)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    found = losses(model)
    assert found[-1] < found[0] - 0.3
    changed = {name for name, weight in model.named_parameters() if not weight.equal(before[name])}
    assert changed == trained == {name for name in before if "softsrv_encoder.default" in name}
    assert all(weight.grad is None for name, weight in model.named_parameters() if name not in trained)


def test_static_is_prompt_tuning_fed_no_text():
    ours = tiny_adapter("static").eval()
    theirs = get_peft_model(tiny_lm(), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)).eval()
    tokens = encoder_of(ours).tokens.detach()
    theirs.prompt_encoder["default"].embedding.weight.data.copy_(tokens)
    text = labels(3)[:1]
    expected = theirs(input_ids=text, labels=text)
    out = ours(context=contexts(1), labels=text)
    torch.testing.assert_close(out.loss, expected.loss, **NEAR)
    torch.testing.assert_close(out.logits, expected.logits[:, 3:-1], **NEAR)
    # Prompt tuning cannot generate from no text at all; its prompt can be handed to its base model.
    settings = {"max_new_tokens": 6, "do_sample": False}
    prompt = theirs.get_prompt(batch_size=1)
    assert ours.generate(**settings).equal(theirs.base_model.generate(inputs_embeds=prompt, **settings))
    # And what ours writes first is what theirs finds likeliest after no text.
    first = theirs(inputs_embeds=torch.zeros(1, 0, 16)).logits[0, -1].argmax()
    assert ours.generate(**settings)[0, 0] == first


def test_static_ignores_the_context_and_needs_none():
    model = tiny_adapter("static").eval()
    given = model(context=contexts(3, seed=1), labels=labels()).logits
    assert given.equal(model(context=contexts(3, seed=2), labels=labels()).logits)
    assert given.equal(model(labels=labels()).logits)
    assert len(model.generate(max_new_tokens=2, do_sample=True, num_return_sequences=5)) == 5


def test_logits_without_labels_are_those_of_the_virtual_tokens():
    model = tiny_adapter()
    assert model(context=contexts()).logits.shape == (3, 4, 27)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_save_and_load_gives_the_same_logits(parameterization, tmp_path):
    model = tiny_adapter(parameterization)
    losses(model, 2)
    model.eval().save_pretrained(tmp_path)
    expected = model(context=contexts(), labels=labels()).logits
    for options in ({}, {"low_cpu_mem_usage": True}, {"adapter_name": "other"}):
        again = PeftModel.from_pretrained(tiny_lm(), tmp_path, **options)
        assert again(context=contexts(), labels=labels()).logits.equal(expected)
        assert not any(weight.requires_grad for weight in again.parameters())
    trainable = PeftModel.from_pretrained(tiny_lm(), tmp_path, is_trainable=True)
    names = {name for name, weight in trainable.named_parameters() if weight.requires_grad}
    assert names == {name for name, _ in trainable.named_parameters() if "softsrv_encoder" in name}


def test_the_saved_files_hold_the_encoder_and_nothing_else(tmp_path):
    tiny_adapter("mixture").save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    names = {name.partition("softsrv_encoder.")[2] for name in saved}
    assert names == {"bases", "mixer.weight", "mixer.bias"}


def test_the_base_model_is_found_by_its_name(tmp_path):
    tiny_lm().save_pretrained(tmp_path / "base")
    base = type(tiny_lm()).from_pretrained(tmp_path / "base")
    model = tiny_adapter(base=base).eval()
    model.save_pretrained(tmp_path / "adapter")
    again = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "adapter")
    assert again(context=contexts(), labels=labels()).logits.equal(model(context=contexts(), labels=labels()).logits)


def test_several_adapters_on_one_model(tmp_path):
    model = tiny_adapter("mlp").eval()
    first = model(context=contexts(), labels=labels()).logits
    model.add_adapter("second", tiny_config("static", num_virtual_tokens=2))
    assert model(context=contexts(), labels=labels()).logits.equal(first)
    assert not any(weight.requires_grad for weight in encoder_of(model, "second").parameters())
    model.set_adapter("second")
    second = model(context=contexts(), labels=labels()).logits
    assert not second.equal(first)
    assert all(weight.requires_grad for weight in encoder_of(model, "second").parameters())
    assert not any(weight.requires_grad for weight in encoder_of(model).parameters())
    model.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(tiny_lm(), tmp_path)
    again.load_adapter(tmp_path / "second", "second")
    assert again(context=contexts(), labels=labels()).logits.equal(first)
    again.set_adapter("second")
    assert again(context=contexts(), labels=labels()).logits.equal(second)
    with pytest.warns(UserWarning, match="Setting active adapter to default"):
        model.delete_adapter("second")
    assert model(context=contexts(), labels=labels()).logits.equal(first)
    with pytest.raises(SettingError, match="one SoftSRV adapter can be active at a time.*got a, b"):
        model.base_model.set_adapter(["a", "b"])


def test_disabled_the_base_model_is_as_it_was():
    ids = torch.tensor([[3, 4, 5]])
    expected = tiny_lm().eval()(input_ids=ids).logits
    model = tiny_adapter().eval()
    with model.disable_adapter():
        assert model(input_ids=ids).logits.equal(expected)
        assert model(input_ids=ids, context=contexts(1)).logits.equal(expected)
        written = model.generate(input_ids=ids, max_new_tokens=3, do_sample=False)
        assert written[:, :3].equal(ids)
    assert model(context=contexts(), labels=labels()).logits.shape == (3, 5, 27)
    base = model.unload()
    assert set(base.state_dict()) == set(tiny_lm().state_dict())
    assert base(input_ids=ids).logits.equal(expected)


def test_it_cannot_be_merged():
    for merge in ("merge_and_unload", "merge_adapter"):
        with pytest.raises(SettingError, match=r"cannot be merged.*`unload\(\)`"):
            getattr(tiny_adapter(), merge)()


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_gradient_checkpointing_gives_the_same_gradients(use_reentrant):
    def gradients(checkpointing):
        model = tiny_adapter().train()
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": use_reentrant})
        model(context=contexts(), labels=labels()).loss.backward()
        return [weight.grad for weight in encoder_of(model).parameters()]

    for ours, plain in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(ours, plain, **NEAR)


def test_a_bf16_base_keeps_the_adapter_in_float32(tmp_path):
    model = tiny_adapter(base=tiny_lm().to(torch.bfloat16))
    assert {weight.dtype for weight in encoder_of(model).parameters()} == {torch.float32}
    found = losses(model)
    assert found[-1] < found[0] - 0.3
    assert model(context=contexts(), labels=labels()).logits.dtype == torch.bfloat16
    assert len(model.generate(context=contexts(), max_new_tokens=2)) == 3
    model.eval().save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(tiny_lm().to(torch.bfloat16), tmp_path)
    assert again(context=contexts(), labels=labels()).logits.equal(model(context=contexts(), labels=labels()).logits)


class EightBits(torch.nn.Module):
    """A linear map whose weight is kept in 8 bits, as those of quantised models are."""

    def __init__(self, linear):
        super().__init__()
        self.scale = torch.nn.Parameter(linear.weight.abs().amax(1, keepdim=True) / 127, requires_grad=False)
        rounded = (linear.weight / self.scale).round().to(torch.int8)
        self.weight = torch.nn.Parameter(rounded, requires_grad=False)

    def forward(self, x):
        return x @ (self.weight.to(x.dtype) * self.scale).T


def test_a_base_with_weights_in_8_bits():
    base = tiny_lm()
    for layer in base.model.layers:
        for block in (layer.self_attn, layer.mlp):
            for name, module in list(block.named_children()):
                if isinstance(module, torch.nn.Linear):
                    setattr(block, name, EightBits(module))
    kept = {name: weight.clone() for name, weight in base.state_dict().items()}
    model = tiny_adapter(base=base)
    found = losses(model)
    assert found[-1] < found[0] - 0.3
    assert len(model.generate(context=contexts(), max_new_tokens=2)) == 3
    state = model.unload().state_dict()
    assert all(state[name].equal(weight) for name, weight in kept.items())


def test_a_base_with_learned_positions():
    torch.manual_seed(0)
    sizes = {"vocab_size": 27, "n_positions": 9, "n_embd": 16, "n_layer": 1, "n_head": 2}
    base = GPT2LMHeadModel(GPT2Config(**sizes, initializer_range=0.3))
    model = tiny_adapter(base=base)
    found = losses(model)
    assert found[-1] < found[0] - 0.3
    with pytest.raises(SettingError, match="reads 9 tokens; virtual tokens and texts together have 10"):
        model(context=contexts(), labels=labels(n_tokens=6))


def test_texts_depend_on_their_context_alone():
    model = tiny_adapter().eval()
    settings = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    together = model.generate(context=contexts(4), **settings)
    for row, context in zip(together, contexts(4), strict=True):
        alone = model.generate(context=context[None].numpy(), **settings)[0]
        assert row[: len(alone)].equal(alone) and not row[len(alone) :].any()
    assert model.generate(context=contexts(4), num_beams=2, num_return_sequences=2, **settings).shape[0] == 8


def test_a_copy_is_a_model_of_its_own():
    model = tiny_adapter().eval()
    expected = model(context=contexts(), labels=labels()).logits
    again = copy.deepcopy(model)
    losses(again, 2)
    assert model(context=contexts(), labels=labels()).logits.equal(expected)


def test_nothing_of_ours_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")  # PEFT 0.21 asks for it.
        model = tiny_adapter()
        model(context=contexts(), labels=labels())
        model.generate(context=np.asarray(contexts()), max_new_tokens=2, pad_token_id=0)


def test_bad_input():
    model = tiny_adapter()
    with pytest.raises(SettingError, match=r"`context` must have the shape \(n, 32\).*got \(3, 8\)"):
        model(context=contexts(dim=8), labels=labels())
    with pytest.raises(SettingError, match=r"must have the shape \(n, 32\).*got \(32,\)"):
        model.generate(context=contexts()[0])
    with pytest.raises(SettingError, match="the same number of rows; got 2 and 3"):
        model(context=contexts(2), labels=labels())
    with pytest.raises(SettingError, match="parameterisation `mlp` needs `context`; got none"):
        model(labels=labels())
    for name, value in (("inputs_embeds", torch.zeros(3, 2, 16)), ("input_ids", labels())):
        with pytest.raises(SettingError, match=f"is the whole input; got `{name}` as well.*disable_adapter"):
            model(context=contexts(), labels=labels(), **{name: value})
        with pytest.raises(SettingError, match=f"is the whole input; got `{name}` as well"):
            model.generate(context=contexts(), **{name: value})


def test_base_models_that_do_not_fit():
    with pytest.raises(SettingError, match="decoder-only language model.*T5ForConditionalGeneration has an encoder"):
        tiny_adapter(base=tiny_t5())
    with pytest.raises(SettingError, match="`num_virtual_tokens` must be below 32.*got 32"):
        tiny_adapter(num_virtual_tokens=32)
    with pytest.raises(SettingError, match="LlamaModel takes no .*labels.*AutoModelForCausalLM"):
        tiny_adapter(base=AutoModel.from_config(tiny_lm().config))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("parameterization", "lora", "must be one of static, mixture, mlp; got 'lora'"),
        ("num_virtual_tokens", 0, "must be a whole number of at least 1; got 0"),
        ("context_dim", 1.5, "must be a whole number of at least 1; got 1.5"),
        ("num_bases", 0, ".*at least 1; got 0"),
        ("mlp_hidden_size", -1, ".*at least 1; got -1"),
        ("mlp_num_layers", 0, ".*at least 1; got 0"),
        ("temperature", 0.0, "must be above 0; got 0.0"),
        ("task_type", "SEQ_CLS", "must be CAUSAL_LM"),
    ],
)
def test_wrong_settings(setting, value, message):
    with pytest.raises(SettingError, match=f"`{setting}` {message}"):
        tiny_config(**({"parameterization": "mlp"} | {setting: value}))
