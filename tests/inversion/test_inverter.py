"""The models: shapes, what is trained, save and load."""

import numpy as np
import pytest
import torch
from conftest import WORDS
from tiny_inverters import BACKBONES, tiny_inverter, tiny_t5, trainer_for, word_rows
from tiny_language_models import tiny_lm, tiny_lm_tokenizer
from transformers import AutoModel
from word_embedder import WordEmbedder

from condensers.errors import SettingError, SourceNotFoundError
from condensers.inversion.inverter import EmbeddingInverter, EmbeddingInverterConfig, InverterCorrector
from condensers.inversion.inverter.network import pad_left

SETTINGS = [name for name in EmbeddingInverterConfig.__annotations__ if name != "backbone"]
TEXTS = ["apple pear", "plum", "grape melon fig"]


def corrected_batch(model, embedder):
    ids, mask = pad_left(model.hypothesis_ids(["pear", "plum apple fig", ""]), 0)
    vectors = torch.from_numpy(embedder.encode(TEXTS))
    return {
        "embeddings": vectors,
        "hypothesis_embeddings": vectors.flip(0),
        "hypothesis_ids": ids,
        "hypothesis_mask": mask,
    }


def labels_of(model, texts=TEXTS):
    rows = [torch.tensor(ids) for ids in model.label_ids(texts)]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_shapes(backbone, embedder):
    model = tiny_inverter(backbone, num_virtual_tokens=3)
    vectors, labels = embedder.encode(TEXTS), labels_of(model)
    out = model(torch.from_numpy(vectors), labels)
    assert out.logits.shape == (3, 4, len(tiny_lm_tokenizer())) and out.loss.shape == ()
    assert model.projector(torch.from_numpy(vectors)).shape == (3, 3, 16)
    tokens = model.generate(vectors, num_beams=2, num_return_sequences=2)
    assert tokens.shape[0] == 6 and tokens.shape[1] <= 6 + (backbone == "t5")
    assert len(model.write(vectors)) == 3
    corrector = InverterCorrector.from_inverter(model)
    assert corrector(**corrected_batch(corrector, embedder), labels=labels).logits.shape == out.logits.shape
    assert len(corrector.write(vectors, vectors, ["", "plum", "fig fig"])) == 3


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_loss_is_that_of_each_text_alone(backbone, embedder):
    """Filling up changes nothing: neither of the texts nor of the attempts, which are on the left."""
    model = InverterCorrector.from_inverter(tiny_inverter(backbone)).eval()
    batch, labels = corrected_batch(model, embedder), labels_of(model)
    whole = model(**batch, labels=labels).loss
    losses, counts = [], []
    for i in range(3):
        alone = {name: value[i : i + 1] for name, value in batch.items()}
        shown = alone.pop("hypothesis_mask").bool()
        alone["hypothesis_ids"] = alone["hypothesis_ids"][shown][None]
        alone["hypothesis_mask"] = torch.ones_like(alone["hypothesis_ids"])
        text = labels[i][labels[i] != -100][None]
        losses.append(model(**alone, labels=text).loss)
        counts.append(text.numel())
    mean = sum(loss * n for loss, n in zip(losses, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(whole, mean, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_greedy_tokens_are_those_the_forward_pass_prefers(backbone, embedder):
    model = InverterCorrector.from_inverter(tiny_inverter(backbone)).eval()
    batch = corrected_batch(model, embedder)
    tokens = model.generate(batch["embeddings"], batch["hypothesis_embeddings"], ["pear", "plum apple fig", ""])
    tokens = tokens[:, 1:] if backbone == "t5" else tokens  # The start of the decoder.
    with torch.no_grad():
        preferred = model(**batch, labels=tokens).logits.argmax(-1)
    for made, best in zip(tokens.tolist(), preferred.tolist(), strict=True):
        length = made.index(2) + 1 if 2 in made else len(made)
        assert made[:length] == best[:length]


def test_pseudo_tokens_have_the_size_of_word_vectors(embedder):
    model = tiny_inverter()
    words = model.backbone.get_input_embeddings().weight.square().mean().sqrt()
    made = model.projector(torch.from_numpy(embedder.encode(TEXTS))).square().mean(-1).sqrt()
    torch.testing.assert_close(made, words.expand_as(made), rtol=1e-3, atol=0)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("tuning", ["frozen", "lora", "full"])
def test_what_training_changes(backbone, tuning, tmp_path):
    """Every weight of a frozen backbone, and every base weight under LoRA, stays the same bit for bit."""
    model = tiny_inverter(backbone, tuning=tuning, lora_r=2)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    trainer_for(model, tmp_path, word_rows(16), max_steps=3, warmup_steps=0).train()
    changed = {name for name, weight in model.named_parameters() if not weight.equal(before[name])}
    projector = {name for name in before if name.startswith("projector.")}
    adapter = {name for name in before if "lora_" in name}
    assert bool(adapter) == (tuning == "lora")
    if tuning == "full":
        assert changed == set(before)
    else:
        assert changed == projector | adapter


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("tuning", ["frozen", "lora"])
def test_save_and_load(backbone, tuning, tmp_path, embedder):
    model = tiny_inverter(backbone, tuning=tuning, lora_r=2)
    trainer_for(model, tmp_path / "run", word_rows(16), max_steps=2).train()
    corrector = InverterCorrector.from_inverter(model)
    vectors, labels = torch.from_numpy(embedder.encode(TEXTS)), labels_of(model)
    for made, inputs in ((model, {"embeddings": vectors}), (corrector, corrected_batch(corrector, embedder))):
        made.eval().save_pretrained(tmp_path / "model")
        again = AutoModel.from_pretrained(tmp_path / "model")
        assert type(again) is type(made) and not again.training
        assert {name: getattr(again.config, name) for name in SETTINGS} == {
            name: getattr(made.config, name) for name in SETTINGS
        }
        with torch.no_grad():
            assert again(**inputs, labels=labels).logits.equal(made(**inputs, labels=labels).logits)
        assert {n for n, w in again.named_parameters() if w.requires_grad} == {
            n for n, w in made.named_parameters() if w.requires_grad
        }
        assert again.label_ids(TEXTS) == made.label_ids(TEXTS)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_corrector_begins_with_its_inverter_and_shares_nothing(backbone):
    inverter = tiny_inverter(backbone)
    corrector = InverterCorrector.from_inverter(inverter)
    for name in ("projector", "hypothesis_projector", "difference_projector"):
        assert getattr(corrector, name).up.weight.equal(inverter.projector.up.weight)
    assert corrector.config.embedder_fingerprint == inverter.config.embedder_fingerprint
    ours = {weight.data_ptr() for weight in corrector.parameters()}
    assert not ours & {weight.data_ptr() for weight in inverter.parameters()}
    for name, weight in inverter.backbone.state_dict().items():
        assert corrector.backbone.state_dict()[name].equal(weight)


def test_the_config_records_the_embedder():
    config = tiny_inverter().config
    embedder = WordEmbedder()
    assert (config.embedder_name, config.embedder_fingerprint, config.embedding_dim) == (
        embedder.name,
        embedder.fingerprint,
        32,
    )


def test_long_texts_are_cut_without_an_end():
    model = tiny_inverter(max_new_tokens=3)
    ids = model.label_ids(["apple pear plum fig", "apple"])
    assert ids == [tiny_lm_tokenizer()("apple pear plum")["input_ids"], [3, 2]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_virtual_tokens": 0}, "`num_virtual_tokens` must be at least 1; got 0"),
        ({"max_new_tokens": -2}, "`max_new_tokens` must be at least 1; got -2"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(SettingError, match=message):
        tiny_inverter(**settings)


def test_no_tokenizer(tmp_path, embedder):
    with pytest.raises(SettingError, match="pass `processing_class=`"):
        EmbeddingInverter.from_backbone(tiny_lm(), embedder=embedder)
    endless = tiny_lm_tokenizer()
    endless.eos_token = None
    with pytest.raises(SettingError, match="set `eos_token`"):
        EmbeddingInverter.from_backbone(tiny_lm(), embedder=embedder, processing_class=endless)
    bare = EmbeddingInverter(EmbeddingInverterConfig(backbone=tiny_lm().config, embedding_dim=32))
    with pytest.raises(SettingError, match="no tokenizer beside the model"):
        _ = bare.processing_class
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        EmbeddingInverter.from_backbone(str(tmp_path / "nowhere"), embedder=embedder)


@pytest.mark.parametrize(("build", "kind"), [(tiny_lm, "LlamaForCausalLM"), (tiny_t5, "T5ForConditionalGeneration")])
def test_a_backbone_from_a_folder(build, kind, tmp_path, embedder):
    build(3).save_pretrained(tmp_path)
    tiny_lm_tokenizer().save_pretrained(tmp_path)
    model = EmbeddingInverter.from_backbone(tmp_path, embedder=embedder)
    assert type(model.backbone).__name__ == kind
    table = build(3).get_input_embeddings().weight
    assert model.backbone.get_input_embeddings().weight.equal(table)
    assert model.label_ids([WORDS["fruit"][0]]) == [[3, 2]]


def test_the_training_mode_survives_generation(embedder):
    model = tiny_inverter().train()
    model.generate(np.asarray(embedder.encode(TEXTS)))
    assert model.training and model.backbone.training
