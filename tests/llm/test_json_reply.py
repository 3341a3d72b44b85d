"""Objects out of what models say around them."""

import pytest
from pydantic import BaseModel

from condensers.llm.json_reply import parse_reply, strict_json_schema, with_schema


class Item(BaseModel):
    text: str
    default: str = "x"
    label: int = 0


class Items(BaseModel):
    items: list[Item]


PLAIN = '{"text": "a } brace", "label": 1}'


@pytest.mark.parametrize(
    "reply",
    [
        PLAIN,
        f"  {PLAIN}\n",
        f"```json\n{PLAIN}\n```",
        f"Here you are:\n```\n{PLAIN}\n```\nAnything else?",
        f"Sure! {PLAIN} Hope this helps {{}}.",
        f'<think>maybe {{"text": 3}} or [1]?</think> {PLAIN}',
        f'["not this", 1] {PLAIN}',
        f"{{ broken {PLAIN}",
    ],
)
def test_json_is_found_wherever_it_stands(reply):
    assert parse_reply(reply, Item) == Item(text="a } brace", label=1)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("I cannot.", "no JSON"),
        ('{"text": "cut', "no JSON"),
        ('{"label": 1}', "text: Field required"),
        ('{"text": "a", "label": "many"}', "label: Input should be a valid integer"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_wrong_is_said(reply, said):
    with pytest.raises(ValueError, match=said):
        parse_reply(reply, Item)


def test_the_strict_schema_requires_every_field_and_allows_no_other():
    schema = strict_json_schema(Items)
    item = schema["$defs"]["Item"]
    assert schema["additionalProperties"] is False and schema["required"] == ["items"]
    assert item["additionalProperties"] is False and item["required"] == ["text", "default", "label"]
    assert "default" in item["properties"] and "default" not in item["properties"]["label"]


def test_the_schema_in_words_leaves_the_chat_alone():
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Write."}]
    told = with_schema(chat, Item)
    assert told[0] == chat[0] and told[1]["content"].startswith("Write.\n\n") and '"label"' in told[1]["content"]
    assert chat[1]["content"] == "Write."
