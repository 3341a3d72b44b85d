"""The launchable recipes, from their arguments to the files they leave."""

import ast
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import make_rows
from datasets import DatasetDict
from tiny_classifiers import NAMES, tiny_model, tiny_tokenizer
from tiny_language_models import lm_rows, tiny_lm, tiny_lm_tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, EvalPrediction
from warm_processes import WarmProcess

from condensers.errors import RowError, SettingError, SourceNotFoundError
from condensers.rewards import LabelConfidence
from condensers.trainers.dimp_config import DIMPConfig
from condensers.trainers.recipes.classifiers import ClassifierRecipe, QualityRecipe, classification_metrics
from condensers.trainers.recipes.running import DatasetRecipe, parse_recipe, run_recipe

FOLDER = Path(__file__).parents[2] / "trainers"
RECIPES = sorted(FOLDER.glob("train_*.py"))


@pytest.fixture
def files(tmp_path):
    """Rows of three classes with labels as strings, a test set that numbers them otherwise, and a tiny model."""
    rows = make_rows(8)
    named = rows.add_column("class_name", [NAMES[code] for code in rows["label"]])
    named.remove_columns("label").rename_column("class_name", "label").to_json(tmp_path / "train.jsonl")
    real = make_rows(4, seed=1)
    real = real.add_column("class_name", [NAMES[code].upper() for code in real["label"]])
    real.remove_columns("label").rename_column("class_name", "label").to_csv(tmp_path / "real.csv")
    DatasetDict(test=make_rows(3, seed=2)).save_to_disk(tmp_path / "test")
    tiny_model().save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    lm_rows(8, prompts=True).to_json(tmp_path / "stories.jsonl")
    lm_rows(3, seed=4, prompts=True).to_json(tmp_path / "stories_test.jsonl")
    for name, seed in (("lm", 0), ("real_lm", 1)):
        tiny_lm(seed).save_pretrained(tmp_path / name)
        tiny_lm_tokenizer().save_pretrained(tmp_path / name)
    return tmp_path


def classifier_arguments(files, **changes):
    given = {
        "model_name_or_path": files / "model",
        "dataset_name": files / "train.jsonl",
        "test_dataset_name": files / "test",
        "dataset_test_split": "test",
        "output_dir": files / "run",
        "num_train_epochs": 1,
    }
    return {name: str(value) for name, value in (given | changes).items() if value is not None}


TRAINING = {"use_cpu": "true", "report_to": "none", "save_strategy": "no", "learning_rate": "3e-3"}


@pytest.fixture
def launch(monkeypatch):
    """Runs a recipe in this process as if it had been started with these arguments."""

    def run(name, arguments):
        line = [part for key, value in arguments.items() for part in (f"--{key}", value)]
        monkeypatch.setattr(sys, "argv", [name, *line])
        runpy.run_path(str(FOLDER / name), run_name="__main__")

    return run


def results(folder):
    return json.loads((folder / "test_results.json").read_text())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("train_importance_weighted.py", {"quality_dataset_name": "real.csv", "max_weight": "5"}),
        ("train_dimp.py", {"quality_dataset_name": "real.csv", "checker_num_train_epochs": "1"}),
        ("train_focal.py", {"gamma": "1.5"}),
        ("train_meta_weighted.py", {"quality_dataset_name": "real.csv", "variant": "hu"}),
    ],
)
def test_classifier_recipes(files, launch, capsys, name, changes):
    changes = {key: str(files / value) if key == "quality_dataset_name" else value for key, value in changes.items()}
    launch(name, classifier_arguments(files, **changes, **TRAINING))
    saved = AutoModelForSequenceClassification.from_pretrained(files / "run")
    assert sorted(saved.config.id2label.values()) == sorted(NAMES)
    assert (files / "run" / "tokenizer_config.json").is_file()
    found = results(files / "run")
    assert 0 <= found["test_accuracy"] <= 1 and found["test_macro_f1"] <= 1
    assert "test_accuracy" in capsys.readouterr().out


def test_a_quality_checker_serves_another_recipe(files, launch, capsys):
    launch(
        "train_quality_checker.py",
        classifier_arguments(files, dataset_name=files / "real.csv", output_dir=files / "checker", learning_rate=3e-3),
    )
    assert results(files / "checker")["test_n_rows"] == 9
    assert "test_calibration_error" in capsys.readouterr().out
    assert LabelConfidence.from_pretrained(files / "checker").config.recipe["n_rows"] == 12
    launch("train_dimp.py", classifier_arguments(files, quality_model_name_or_path=files / "checker", **TRAINING))
    assert (files / "run" / "importance_weights").is_dir()


def test_the_language_model_recipe(files, launch):
    launch(
        "train_dimp_sft.py",
        {
            "model_name_or_path": str(files / "lm"),
            "quality_model_name_or_path": str(files / "real_lm"),
            "dataset_name": str(files / "stories.jsonl"),
            "test_dataset_name": str(files / "stories_test.jsonl"),
            "output_dir": str(files / "run"),
            "max_weight": "10",
            "max_steps": "2",
            "bf16": "false",
            **TRAINING,
        },
    )
    assert results(files / "run")["test_loss"] > 0
    before, after = (AutoModelForCausalLM.from_pretrained(files / name) for name in ("lm", "run"))
    assert not before.lm_head.weight.equal(after.lm_head.weight)


@pytest.mark.slow
def test_a_recipe_under_accelerate_launch_with_a_yaml_file(files):
    """As the docstrings say; the command line comes before the file, and mistakes end with 2 and one line."""
    settings = classifier_arguments(files, quality_dataset_name=files / "real.csv", **TRAINING)
    settings |= {"use_cpu": True, "learning_rate": 0.003, "num_train_epochs": 3, "seed": 5, "text_column": ["text"]}
    (files / "run.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
    command += [str(FOLDER / "train_dimp.py"), "--config", str(files / "run.yaml"), "--num_train_epochs", "1"]
    shared = {
        "env": os.environ | {"OMP_NUM_THREADS": "1", "HF_DATASETS_CACHE": str(files / "cache")},
        "capture_output": True,
        "text": True,
        "timeout": 200,
        "check": False,
    }
    done = subprocess.run(command, **shared)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "test_accuracy" in done.stdout
    assert results(files / "run")["epoch"] == 1.0
    run = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    wrong = [FOLDER / "train_dimp.py", "--config", files / "run.yaml", "--quality_dataset_name", "nowhere.csv"]
    failed = WarmProcess(run, *wrong, folder=files)
    assert failed.wait() == 2, failed.err[-3000:]
    assert "Traceback" not in failed.err
    assert "error: there is no dataset at 'nowhere.csv'" in failed.err


def test_the_command_line_comes_before_the_file(files, monkeypatch):
    path = files / "run.yaml"
    path.write_text(yaml.safe_dump(classifier_arguments(files, seed=5, learning_rate="1e-3", max_weight=3)))
    monkeypatch.setattr(sys, "argv", ["recipe", "--config", str(path), "--seed", "7"])
    recipe, args = parse_recipe(QualityRecipe, DIMPConfig)
    assert (args.seed, args.learning_rate, args.max_weight) == (7, 1e-3, 3.0)
    assert recipe.dataset_name == str(files / "train.jsonl")


def test_the_example_file_is_one(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["recipe", "--config", str(FOLDER / "example.yaml")])
    recipe, args = parse_recipe(QualityRecipe, DIMPConfig)
    assert (recipe.dataset_test_split, args.learning_rate, args.max_weight) == ("validation", 6e-5, 10.0)


def test_what_is_pushed_is_private_unless_said_otherwise(tmp_path, monkeypatch):
    for given, private in (([], True), (["--hub_private_repo", "false"], False)):
        line = ["recipe", "--dataset_name", "x", "--output_dir", str(tmp_path), "--push_to_hub", *given]
        monkeypatch.setattr(sys, "argv", line)
        assert parse_recipe(QualityRecipe, DIMPConfig)[1].hub_private_repo is private


def test_mistakes_in_the_settings(files, monkeypatch, capsys):
    path = files / "run.yaml"
    for text, message in (("- 1", "mapping"), ("dataset_name: x\noutput_dir: y\ncolour: red", "colour")):
        path.write_text(text)
        monkeypatch.setattr(sys, "argv", ["recipe", "--config", str(path)])
        with pytest.raises(SettingError, match=message):
            parse_recipe(QualityRecipe, DIMPConfig)
    monkeypatch.setattr(sys, "argv", ["recipe", "--config", str(files / "none.yaml")])
    with pytest.raises(SettingError, match=r"none\.yaml"):
        parse_recipe(QualityRecipe, DIMPConfig)
    monkeypatch.setattr(sys, "argv", ["recipe", "--dataset_name", "x", "--output_dir", "y", "--max_weight", "-1"])
    with pytest.raises(SystemExit) as stopped:
        run_recipe(lambda: parse_recipe(QualityRecipe, DIMPConfig))
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error: `max_weight` must be")


def test_which_splits_are_tested_on(tmp_path):
    """A test split labelled -1 throughout, as those of GLUE are, will not do; the validation split will."""
    rows, unlabelled = make_rows(2), make_rows(2).map(lambda row: {"label": -1})
    cases = [
        (DatasetDict(train=rows, validation=rows, test=rows), {}, ("validation", "test")),
        (DatasetDict(train=rows, validation=rows, test=unlabelled), {}, (None, "validation")),
        (DatasetDict(train=rows, validation=rows), {}, (None, "validation")),
        (DatasetDict(train=rows, dev=rows, test=rows), {"dataset_test_split": "dev"}, (None, "dev")),
        (DatasetDict(train=rows), {}, (None, None)),
    ]
    for number, (splits, given, expected) in enumerate(cases):
        for name in splits:
            splits[name] = splits[name].add_column("split", [name] * len(splits[name]))
        splits.save_to_disk(tmp_path / str(number))
        recipe = ClassifierRecipe(dataset_name=str(tmp_path / str(number)), **given)
        found = recipe.load_rows(recipe._has_labels)
        assert tuple(part and part["split"][0] for part in (found.validation, found.test)) == expected
        assert found.train["split"][0] == "train"
    with pytest.raises(SourceNotFoundError, match="no split 'best'"):
        DatasetRecipe(dataset_name=str(tmp_path / "0"), dataset_test_split="best").load_rows()


def test_classes_are_matched_by_name(files):
    recipe = QualityRecipe(
        dataset_name=str(files / "train.jsonl"),
        test_dataset_name=str(files / "test"),
        dataset_test_split="test",
        quality_dataset_name=str(files / "real.csv"),
        model_name_or_path=str(files / "model"),
        max_length=4,
    )
    parts = recipe.load(seed=0)
    names = list(parts.model.config.id2label.values())
    assert names == sorted(NAMES)
    for rows, texts in ((parts.test_dataset, make_rows(3, seed=2)), (parts.quality_dataset, make_rows(4, seed=1))):
        assert [names[code] for code in rows["labels"]] == [NAMES[code] for code in texts["label"]]
        assert max(map(len, rows["input_ids"])) == 4
    weights = parts.model.state_dict()
    assert all(recipe.load(seed=0).model.state_dict()[name].equal(weight) for name, weight in weights.items())
    make_rows(2).map(lambda row: {"label": 0}).to_csv(files / "numbers.csv")
    recipe.test_dataset_name, recipe.dataset_test_split = str(files / "numbers.csv"), None
    with pytest.raises(RowError, match="only one side has names"):
        recipe.load(seed=0)


def test_metrics():
    logits, labels = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0]]), np.array([0, 1, 1])
    for predictions in (logits, (logits, None)):
        found = classification_metrics(EvalPrediction(predictions=predictions, label_ids=labels))
        assert found == {"accuracy": pytest.approx(2 / 3), "macro_f1": pytest.approx(2 / 3)}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_recipes_are_thin(path):
    """Nothing is imported before `main`, and then only public names of ours."""
    tree = ast.parse(path.read_text())
    assert [type(node) for node in tree.body] == [ast.Expr, ast.FunctionDef, ast.If]
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {f"condensers.{room}.recipes" for room in ("inversion.inverter", "softsrv", "trainers")}
    assert modules <= {"condensers", "trl", *ours}
    assert f"accelerate launch trainers/{path.name}" in ast.get_docstring(tree)
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text()
    assert len(path.read_text().splitlines()) < 60
