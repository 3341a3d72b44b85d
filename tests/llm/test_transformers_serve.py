"""The client against ``transformers serve``, which knows no schema and no sampling field that is not OpenAI's."""

import pytest
from llm_servers import transformers_serve
from pydantic import BaseModel

from condensers.errors import ServiceError
from condensers.llm import OpenAIChat, SamplingSettings

pytestmark = [pytest.mark.models("smollm2"), pytest.mark.slow]


class City(BaseModel):
    name: str


def ask(text):
    return [{"role": "user", "content": text}]


FRANCE = ask("Name the capital of France.")


@pytest.fixture(scope="module")
def server(smollm2):
    with transformers_serve(smollm2) as address:
        yield address


def client(server, model, **settings):
    return OpenAIChat(
        str(model), server, sampling=SamplingSettings(**{"max_tokens": 24, "temperature": 0, **settings})
    )


def test_each_sample_is_had_though_it_knows_no_n(server, smollm2):
    llm = client(server, smollm2)
    [replies] = llm.complete([FRANCE], n=2)
    assert all("Paris" in reply.text and reply.problem is None for reply in replies)
    assert llm.usage.n_requests == 2
    assert llm.usage.n_output_tokens == sum(reply.n_output_tokens for reply in replies) > 0


def test_a_stop_text_that_it_leaves_in_is_cut_off(server, smollm2):
    [[reply]] = client(server, smollm2, stop=("Paris",)).complete([FRANCE])
    assert (reply.text, reply.problem) == ("The capital of France is ", None)


def test_a_schema_that_it_passes_over_is_put_in_words(server, smollm2, caplog):
    llm = client(server, smollm2)
    [[reply]] = llm.complete([FRANCE], schema=City)
    assert any("does not take `response_format`" in record.getMessage() for record in caplog.records)
    # What a model of this size makes of a schema is its own affair; it was told, and the reply is judged.
    assert llm.usage.n_requests == 2 and reply.n_input_tokens > 60
    assert reply.parsed or reply.problem_kind in ("malformed", "truncated")


def test_a_field_of_the_users_that_it_does_not_know_is_named(server, smollm2):
    with pytest.raises(ServiceError, match="top_k"):
        client(server, smollm2, extra={"top_k": 5}).complete([FRANCE])


def test_a_model_that_it_does_not_serve(server):
    with pytest.raises(ServiceError, match="no/such"):
        client(server, "no/such").complete([FRANCE])
