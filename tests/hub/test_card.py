import json
import re
from dataclasses import replace

import pytest
import yaml
from conftest import make_rows
from huggingface_hub import DatasetCard, DatasetCardData, metadata_load, metadata_save
from huggingface_hub.utils import HfHubHTTPError

from condensers import AutoCondenser, publish
from condensers.hub import check_leaks
from condensers.hub.card import dataset_card
from condensers.hub.reproduction import public_path, reproduction
from condensers.hub.source_card import SourceCard, read_source_card
from condensers.methods import METHODS, HerdingCondenser
from condensers.sharing.papers import PAPERS

FILE = "data/train-0.parquet"
SOURCE = SourceCard(
    licence="cc-by-4.0", language="en", task_categories=["text-classification"], hub_id="stanfordnlp/sst2"
)


def card_of(few, condenser, **facts):
    return dataset_card(few, condenser.run_, FILE, **facts)


def test_the_metadata_are_what_the_hub_indexes(few, condenser):
    data = card_of(few, condenser, source=SOURCE).data
    assert (data.license, data.language, data.size_categories) == ("cc-by-4.0", "en", "n<1K")
    assert data.tags == ["condensers", "herding", "dataset-condensation", "coreset"]
    assert (data.task_categories, data.source_datasets) == (["text-classification"], ["stanfordnlp/sst2"])
    assert data.configs == [{"config_name": "default", "data_files": [{"split": "train", "path": FILE}]}]


def test_the_metadata_survive_the_hubs_card_tools(few, condenser, tmp_path):
    card = card_of(few, condenser, source=SOURCE)
    assert DatasetCardData(**yaml.safe_load(card.data.to_yaml())).to_dict() == card.data.to_dict()
    card.save(tmp_path / "README.md")
    assert DatasetCard.load(tmp_path / "README.md").data.to_dict() == card.data.to_dict()
    metadata = metadata_load(tmp_path / "README.md")
    metadata_save(tmp_path / "README.md", metadata)
    assert DatasetCard.load(tmp_path / "README.md").text == card.text


def test_the_hub_takes_the_card_and_would_refuse_another(hub, few, condenser):
    card = card_of(few, condenser, source=SOURCE)
    card.validate()
    card.data.size_categories = "few"
    with pytest.raises((ValueError, HfHubHTTPError), match="size_categories"):
        card.validate()


def test_nothing_is_stated_that_was_not_measured(few, condenser):
    text = card_of(few, condenser).text
    assert "How well models do that are trained on these rows was not measured." in text
    assert "How like the source they are was not measured." in text
    assert "was not looked at" in text
    assert "Not known" in text
    assert not re.search(r"accuracy in %|true samples|\bNone\b|undefined|nan\b", text)


def test_what_was_measured_stands_beside_its_null(few, condenser):
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "null_mean": 0.3, "null_low": 0.25, "null_high": 0.35}
    evaluation = {
        "against": "stanfordnlp/sst2",
        "n_test_rows": 1821,
        "n_reference_rows": 5000,
        "scores": {"linear_probe": {"accuracy": [0.7, 0.8]}, "text_rnn": {"accuracy": [0.6]}},
        "metrics": {"mauve": {**score, "informative": True}, "fid": {**score, "informative": False}},
    }
    text = card_of(few, condenser, evaluation=evaluation).text
    # Mean and sample standard deviation of 70 and 80.
    assert "| linear_probe | 75.0 | 7.1 | 2 |" in text and "| text_rnn | 60.0 |  | 1 |" in text
    assert "tested on 1,821 rows of stanfordnlp/sst2" in text
    assert "| mauve | 0.500 | 0.400 to 0.600 | 0.250 to 0.350 |  |" in text
    assert "| fid | 0.500 | 0.400 to 0.600 | 0.250 to 0.350 | says nothing at this size |" in text


def test_the_card_says_what_the_guard_found(written):
    rows, run = written
    leaks = check_leaks(rows, run, source=make_rows())
    text = dataset_card(rows, run, FILE, leaks=leaks).text
    assert "Compared with 36 source rows: 0 of 6 rows repeat one" in text
    marked = check_leaks(rows.map(lambda row: {"text": "a@b.org"}), run, source=make_rows())
    found = replace(leaks, findings=marked.findings)
    assert "email address 6; whoever published" in dataset_card(rows, run, FILE, leaks=found).text


def test_the_licence_is_inherited_given_or_unknown(few, condenser):
    inherited = card_of(few, condenser, source=SOURCE)
    assert "cc-by-4.0, given by the source." in inherited.text
    given = card_of(few, condenser, source=SOURCE, licence="mit", language=["de", "fr"])
    assert (given.data.license, given.data.language) == ("mit", ["de", "fr"])
    assert "mit, given by the publisher" in given.text
    assert card_of(few, condenser).data.license == "unknown"
    own = SourceCard(licence="other", licence_name="house-rules", licence_link="https://example.org/rules")
    data = card_of(few, condenser, source=own).data.to_dict()
    stated = (data["license"], data["license_name"], data["license_link"])
    assert stated == ("other", "house-rules", "https://example.org/rules")
    assert "license_name" not in card_of(few, condenser, source=own, licence="mit").data.to_dict()


def test_the_source_on_the_hub_is_named_with_commit_and_licence(hub, embedder, tmp_path):
    make_rows().push_to_hub("me/source")
    readme = hub.repositories["dataset", "me/source"].files()["README.md"].decode()
    commit = hub.change(
        "me/source", {"README.md": readme.replace("---\n", "---\nlicense: cc-by-sa-4.0\nlanguage: en\n", 1)}
    )
    condenser = HerdingCondenser(embedder=embedder)
    rows = condenser.condense("me/source", per_class=1)
    # Whoever changes the licence later does not change that of the rows that were read.
    hub.change("me/source", {"README.md": readme.replace("---\n", "---\nlicense: mit\n", 1)})
    assert condenser.run_.source["commit"] == commit
    card = publish(rows, "me/few", run=condenser).card
    data = DatasetCard(card).data
    assert (data.license, data.language, data.source_datasets) == ("cc-by-sa-4.0", "en", ["me/source"])
    assert f"36 rows of me/source at commit {commit} became 3" in card and f"revision={commit!r}" in card


def test_a_source_whose_card_is_not_to_be_had_says_nothing(hub, condenser, few):
    run = replace(condenser.run_, source={"path": "you/gone", "commit": "0" * 40})
    assert read_source_card(run) == SourceCard(hub_id="you/gone")
    assert read_source_card(condenser.run_) == SourceCard()


@pytest.mark.parametrize("path", ["sample:shop_messages", "folder"])
def test_the_card_beside_the_rows_is_read(condenser, few, path, tmp_path):
    if path == "folder":
        path = str(tmp_path)
        (tmp_path / "README.md").write_text(
            "---\nlicense: apache-2.0\nlanguage: en\ntask_categories: text-classification\n---\n"
        )
    run = replace(condenser.run_, source={"path": path})
    assert read_source_card(run) == SourceCard("apache-2.0", None, None, "en", ["text-classification"])


@pytest.mark.parametrize("text", ["# Rows\n", "---\nlicense: [\n---\n", "---\n- a list\n---\n"])
def test_a_card_beside_the_rows_that_says_nothing_or_is_broken(condenser, few, text, tmp_path, caplog):
    (tmp_path / "README.md").write_text(text)
    assert read_source_card(replace(condenser.run_, source={"path": str(tmp_path)})) == SourceCard()
    assert not caplog.records


def test_the_code_on_the_card_makes_the_same_rows(embedder, tmp_path, monkeypatch):
    make_rows().to_parquet(tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    condenser = HerdingCondenser(embedder=embedder)
    rows = condenser.condense(str(tmp_path / "rows.parquet"), per_class=2, dedup="near", provenance=False)
    code = reproduction(condenser.run_)
    assert "per_class=2" in code and "dedup='near'" in code and "seed" not in code
    # Where the run had an embedder object, the code has its name.
    monkeypatch.setattr("condensers.methods.condenser.load_embedder", lambda name, prompt=None: embedder)
    names = {}
    exec(code, names)
    assert names["rows"].to_dict() == rows.to_dict()


def test_the_card_has_the_command_without_places_on_a_disk(few, condenser):
    words = ("condensers", "condense", "/home/jane/my rows.csv", "--method", "herding", "--output", "../out")
    run = replace(condenser.run_, command=words)
    card = dataset_card(few, run, FILE)
    assert "condensers condense 'my rows.csv' --method herding --output out\n" in card.text
    assert "jane" not in card.text
    assert "command" not in card_of(few, condenser).text


def test_rows_in_memory_are_to_be_put_in_by_hand(few, condenser):
    assert "condenser.condense(my_rows)" in reproduction(condenser.run_)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("stanfordnlp/sst2", "stanfordnlp/sst2"),
        ("sample:shop_messages", "sample:shop_messages"),
        ("/home/jane/data/rows.csv", "rows.csv"),
        ("~/rows", "rows"),
        ("data/rows.parquet", "rows.parquet"),
        ("C:\\Users\\jane\\rows.csv", "rows.csv"),
        (None, None),
    ],
)
def test_paths_tell_nothing_of_a_disk(path, shown):
    assert public_path(path) == shown


def test_a_private_run_says_nothing_of_the_number_of_its_rows(few, condenser):
    privacy = {"withheld": True, "statement": "(4, 1e-06)-differentially private"}
    run = replace(condenser.run_, privacy=privacy, n_source_rows=None, n_embedded=None, seconds={}, llm=None)
    text = dataset_card(few, run, FILE).text
    assert "36" not in text.replace(run.source["digest"], "").replace(run.models["embedder"], "")
    assert "(4, 1e-06)-differentially private" in text


def test_every_method_of_a_paper_names_it():
    assert set(METHODS) - set(PAPERS) == {"random", "embedding"}
    for paper in PAPERS.values():
        assert paper.bibtex.startswith(f"@{paper.kind}{{{paper.key},\n  title = {{{{{paper.title}}}}},\n")
        assert paper.bibtex.count("{") == paper.bibtex.count("}")
        assert paper.title in paper.citation


def test_every_method_makes_code_that_names_it(condenser, few):
    for method in METHODS:
        code = reproduction(replace(condenser.run_, method=method))
        compile(code, method, "exec")
        assert f"    {method!r}," in code
    assert AutoCondenser.from_method("herding", per_class=2).config.per_class == 2


def test_the_record_is_json_with_what_the_card_needs(condenser, few):
    record = json.loads(json.dumps(condenser.run_.to_json()))
    assert len(record["source"]["digest"]) == 64 and record["models"]["embedder"] == condenser.embedder.fingerprint


def test_the_digest_tells_other_rows_and_other_classes(embedder):
    def digest(rows):
        condenser = HerdingCondenser(embedder=embedder)
        condenser.condense(rows, per_class=1)
        return condenser.run_.source["digest"]

    rows = make_rows()
    assert digest(rows) == digest(make_rows())
    assert digest(rows.map(lambda row: {"id": row["id"] + 1})) == digest(rows)
    assert digest(rows.map(lambda row: {"text": row["text"] + "."})) != digest(rows)
    assert digest(rows.map(lambda row: {"label": (row["label"] + 1) % 3})) != digest(rows)
