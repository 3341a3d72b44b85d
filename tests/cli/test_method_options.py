"""Every command that condenses takes the settings of methods, and none that no method of its own has."""

import json

import pytest
from conftest import make_rows
from methods.scripted import served, word

from condensers.llm.testing import FakeServer

pytestmark = pytest.mark.models


@pytest.fixture
def source(tmp_path):
    for seed, split in enumerate(("train", "test")):
        make_rows(4, seed=seed).to_parquet(tmp_path / "rows" / f"{split}.parquet")
    return tmp_path / "rows"


def test_compare_has_texts_evolve_as_it_is_told(run, source):
    def evolving(request):
        messages = request.body["messages"]
        return (
            "a subject" if "Name " in messages[-1]["content"] else f"text {word(str(messages), request.body['seed'])}"
        )

    with FakeServer(evolving) as server:
        options = ("--llm", f"fake@{server.base_url}", "--topic", "short texts", "--initial", 2, "--variations", 1)
        line_up = ("--methods", "random,aug_pe", "--per-class", 1, "--seeds", 1, "--embedder", "offline")
        found = json.loads(run("compare", source, *line_up, *options, "--iterations", 2, "--json").out)
        assert [method["method"] for method in found["methods"]] == ["random", "aug_pe"]
        # Of three classes: the subjects, two texts, and between two votes one version of a text.
        assert server.n_requests == 3 * (1 + 2 + 1)


def test_budget_asks_in_the_form_and_within_the_limit_it_is_given(run, source, caplog):
    options = ("--method", "few_shot", "--reply-format", "lines", "--per-class", "1,2,3", "--seeds", 1)
    with FakeServer(served) as server:
        llm = ("--llm", f"fake@{server.base_url}", "--embedder", "offline", "--concurrency", 1, "--max-requests", 2)
        found = json.loads(run("budget", source, *options, *llm, "--json").out)
        assert [point["per_class"] for point in found["points"]] == [1, 2, 3]
        assert all("response_format" not in request.body for request in server.requests)
        # The limit is that of a run, and each size is one: two of the three classes get their rows.
        assert 2 <= server.n_requests <= 6 and caplog.text.count("the limit max_requests=2 was reached") == 3


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("compare", "--methods", "random,k_center"), "none of the methods random, k_center takes --iterations: they"),
        (("budget", "--method", "k_center"), "the method 'k_center' takes no --iterations: it has no such setting"),
        (("condense", "--method", "k_center", "--output", "few"), "'k_center' takes no --iterations"),
    ],
)
def test_a_setting_that_no_method_has_is_refused(run, source, command, said):
    name, *options = command
    assert said in run(name, source, *options, "--per-class", 1, "--iterations", 3, code=2).err


def test_several_methods_of_which_none_asks_a_language_model(run, source):
    options = ("--methods", "random,k_center", "--per-class", 1, "--llm", "m@http://localhost:1/v1")
    said = "none of the methods random, k_center takes --llm: they ask no language model. Leave that out."
    assert said in run("compare", source, *options, code=2).err
