import copy
import platform
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny_classifiers import tiny_model

from condensers.trainers.parking import parked

CPU = SimpleNamespace(device=torch.device("cpu"))


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def assert_same(model, expected):
    found = dict(model.named_parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def with_adapter():
    return get_peft_model(tiny_model(), LoraConfig(target_modules=["query"]))


def tied():
    model = tiny_model()
    model.twin = torch.nn.Linear(16, 16, dtype=torch.bfloat16)
    model.twin.weight = model.bert.encoder.layer[0].output.LayerNorm.weight
    return model


@pytest.mark.parametrize("make", [tiny_model, with_adapter, tied])
def test_a_parked_model_takes_no_memory_and_comes_back(make):
    model = make()
    before, identities = weights(model), [id(weight) for weight in model.parameters()]
    with parked(model, CPU, movable=True):
        assert sum(weight.untyped_storage().nbytes() for weight in model.parameters()) == 0
    assert_same(model, before)
    assert [id(weight) for weight in model.parameters()] == identities


@pytest.mark.parametrize("make", [tiny_model, with_adapter, tied])
@pytest.mark.parametrize("movable", [True, False])
def test_copies_of_a_parked_model_are_whole_and_apart(make, movable):
    model = make()
    before, expected = weights(model), [weight.requires_grad for weight in copy.deepcopy(model).parameters()]
    with parked(model, CPU, movable=movable) as copied:
        one, other = copied(), copied()
        with torch.no_grad():
            for weight in one.parameters():
                weight.add_(1)
        assert_same(other, before)
        assert [weight.requires_grad for weight in other.parameters()] == expected
    assert_same(model, before)
    assert_same(other, before)


def test_what_another_model_shares_stays():
    model, wrapper = tiny_model(), torch.nn.Module()
    wrapper.shared = model.bert
    before, shared = weights(model), weights(wrapper)
    with parked(model, CPU, movable=True, in_use=[wrapper]) as copied:
        assert_same(wrapper, shared)
        assert model.classifier.weight.numel() == 0
        assert_same(copied(), before)
    assert_same(model, before)


def test_a_parked_model_comes_back_after_an_error():
    model = tiny_model()
    before = weights(model)
    with pytest.raises(ValueError, match="stop"), parked(model, CPU, movable=True):
        raise ValueError("stop")
    assert_same(model, before)


def test_a_model_comes_back_if_the_disk_is_full(monkeypatch):
    model = tiny_model()
    before, calls = weights(model), []

    def save(tensors, path):
        calls.append(path)
        if len(calls) == 4:
            raise OSError("No space left on device")
        save_file(tensors, path)

    from condensers.trainers import parking

    save_file = parking.save_file
    monkeypatch.setattr(parking, "save_file", save)
    with pytest.raises(OSError, match="No space"), parked(model, CPU, movable=True):
        pytest.fail("it was not parked")
    assert_same(model, before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to return memory")
def test_memory_that_was_freed_while_a_model_was_parked_is_not_kept():
    model = tiny_model()
    with parked(model, CPU, movable=True):
        # Too small to be returned one by one, and the last one holds the heap up.
        blocks = [torch.ones(8_000) for _ in range(4_000)]
        last = blocks.pop()
        held = resident_bytes()
        blocks.clear()
    assert resident_bytes() < held - 100e6
    assert last.sum() == 8_000
