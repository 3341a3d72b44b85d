"""What the card of a saved condenser says."""

import pytest
from huggingface_hub import HfApi, ModelCard
from word_embedder import WordEmbedder

from condensers import KCenterCondenser, RandomCondenser
from condensers.sharing.papers import PAPERS


def fitted(kind=KCenterCondenser, **settings):
    condenser = kind(embedder=WordEmbedder(), **settings)
    return condenser


def test_it_says_what_is_known_of_the_last_run(tmp_path, dataset):
    condenser = fitted()
    condenser.condense(dataset, per_class=2)
    condenser.save_pretrained(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert {"condensers", "dataset-condensation", "k_center"} <= set(card.data.tags)
    for phrase in (
        "`words`",
        WordEmbedder().fingerprint,
        "rows in memory",
        "fruit: 2, metal: 2, bird: 2",
        "| source rows | 36",
    ):
        assert phrase in card.text, phrase
    assert PAPERS["k_center"].bibtex in card.text
    assert "Citation" not in str(fitted(RandomCondenser).generate_model_card())


def test_no_folder_of_this_machine_is_on_it(tmp_path, dataset):
    dataset.to_parquet(tmp_path / "rows.parquet")
    condenser = fitted()
    condenser.condense(tmp_path / "rows.parquet", per_class=1)
    condenser.config = condenser.config.updated({"prompt": str(tmp_path / "prompts" / "mine")})
    card = str(condenser.generate_model_card())
    assert str(tmp_path) not in card
    assert "A_FOLDER/rows.parquet" in card and "A_FOLDER/mine" in card


def test_saved_again_after_another_run_it_tells_of_that_one(tmp_path, dataset):
    condenser = fitted()
    condenser.condense(dataset, per_class=2)
    condenser.save_pretrained(tmp_path)
    condenser.condense(per_class=3)
    condenser.save_pretrained(tmp_path)
    assert "fruit: 3" in (tmp_path / "README.md").read_text()
    path = tmp_path / "README.md"
    path.write_text(path.read_text() + "\nMine.\n")
    condenser.condense(per_class=1)
    condenser.save_pretrained(tmp_path)
    assert "fruit: 3" in path.read_text() and "Mine." in path.read_text()


@pytest.mark.hub
def test_a_push_keeps_the_card_that_somebody_edited_on_the_hub(hub, dataset):
    condenser = fitted(RandomCondenser)
    condenser.condense(dataset, per_class=1)
    condenser.push_to_hub("me/random")
    assert hub.repositories["model", "me/random"].private
    card = ModelCard.load("me/random")
    card.data.license = "mit"
    HfApi().upload_file(path_or_fileobj=str(card).encode(), path_in_repo="README.md", repo_id="me/random")
    condenser.condense(per_class=2)
    condenser.push_to_hub("me/random")
    card = ModelCard.load("me/random")
    assert card.data.license == "mit" and "fruit: 2" in card.text
    edited = str(card).replace("## Limits", "## What I saw").encode()
    HfApi().upload_file(path_or_fileobj=edited, path_in_repo="README.md", repo_id="me/random")
    condenser.push_to_hub("me/random")
    assert "## What I saw" in ModelCard.load("me/random").text
    assert type(RandomCondenser.from_pretrained("me/random")) is RandomCondenser
