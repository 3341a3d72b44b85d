"""Cards: rendered, checked, and never put over what somebody wrote."""

import pytest
from huggingface_hub import ModelCard, ModelCardData

from condensers.sharing import card_data, link_model, model_spec, render_card, write_card
from condensers.sharing.model_card import is_replaceable, read_card

FACTS = {"training": None}


def card(**metadata):
    return render_card(
        "condensers.sharing", "_training.md", card_data(ModelCardData(tags=["condensers"]), metadata), **FACTS
    )


def test_a_card_is_metadata_and_text(tmp_path):
    assert write_card(tmp_path, card(license="mit"))
    read = ModelCard.load(tmp_path / "README.md")
    assert read.data.to_dict() == {"license": "mit", "tags": ["condensers"]}
    assert "Nothing is known here of how it was trained." in read.text
    assert (tmp_path / "README.md").read_text().startswith("---\nlicense: mit\n")


def test_a_card_of_ours_is_written_anew_and_keeps_what_others_say_in_its_metadata(tmp_path):
    write_card(tmp_path, card(base_model="me/old"))
    path = tmp_path / "README.md"
    path.write_text(path.read_text().replace("base_model: me/old", "base_model: me/old\nlicense: mit\nlanguage: [en]"))
    path.write_text(path.read_text().replace("- condensers", "- condensers\n- mine"))
    assert write_card(tmp_path, card())
    data = read_card(path).data.to_dict()
    assert data == {"license": "mit", "language": ["en"], "tags": ["condensers", "mine"]}


@pytest.mark.parametrize("edit", ["A sentence of mine.", "- PEFT forever"])
def test_a_card_that_was_edited_stays_to_the_letter(tmp_path, edit):
    write_card(tmp_path, card())
    path = tmp_path / "README.md"
    edited = path.read_text().replace("## Training", f"## Training\n\n{edit}")
    path.write_text(edited)
    assert not write_card(tmp_path, card())
    assert path.read_text() == edited


def test_a_card_without_our_mark_stays(tmp_path):
    (tmp_path / "README.md").write_text("# Mine\n")
    assert not write_card(tmp_path, card())
    assert (tmp_path / "README.md").read_text() == "# Mine\n"


def test_the_empty_card_of_huggingface_hub_is_nobodys():
    assert is_replaceable(ModelCard.from_template(ModelCardData()))
    assert not is_replaceable(ModelCard.from_template(ModelCardData(), model_id="mine"))


def test_the_version_that_peft_writes_is_no_edit():
    made = card()
    made.text = made.text + "\n- PEFT 0.99.1\n"
    assert is_replaceable(made)


def test_no_path_gets_into_a_card(tmp_path):
    assert link_model("me/model") == "[me/model](https://huggingface.co/me/model)"
    assert link_model("me/model", "abc") == "[me/model](https://huggingface.co/me/model) at abc"
    (tmp_path / "secret").mkdir()
    for name in (str(tmp_path / "secret"), "/home/somebody/secret", "./secret", "~/secret", None):
        assert link_model(name) == "a model from a folder, which has no name elsewhere"
        assert model_spec(name) == '"FOLDER_OF_THE_MODEL"'
    assert link_model("words") == "`words`"
    assert link_model("bge@http://10.0.0.7/v1") == "`bge`"
    assert model_spec("bge@http://10.0.0.7/v1") == '"bge@URL_OF_THE_SERVER"'
