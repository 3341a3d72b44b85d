"""The curve with any learner; that of ``per_class="auto"`` is the same with a linear probe."""

import pytest
from conftest import make_rows

from condensers.errors import SettingError
from condensers.evaluation import TfidfLinear, budget_curve
from condensers.methods import HerdingCondenser


def test_the_curve_is_that_of_auto(embedder):
    rows = make_rows(per_class=25)
    study = budget_curve(rows, method="herding", embedder=embedder, n_seeds=5)
    condenser = HerdingCondenser(embedder=embedder, per_class="auto")
    condenser.condense(rows)
    assert study.curve.to_json() == condenser.run_.sizing
    assert study.chosen == condenser.run_.sizing["chosen"]


def test_nothing_is_embedded_but_the_source(embedder):
    budget_curve(make_rows(per_class=10), embedder=embedder, sizes=[1, 2, 4], n_seeds=3)
    assert embedder.n_texts == 30


def test_results_hold_the_rows_of_the_first_seed_and_the_scores_of_all(embedder):
    asked = []
    study = budget_curve(
        make_rows(per_class=10),
        learner=TfidfLinear(),
        embedder=embedder,
        sizes=[4, 1, 2],
        n_seeds=3,
        on_progress=asked.append,
    )
    assert [len(result.rows) for result in study.results] == [3, 6, 12]
    assert [result.scores[0].seeds for result in study.results] == [(0, 1, 2)] * 3
    for point, result in zip(study.curve.points, study.results, strict=True):
        assert result.scores[0].accuracy == point.accuracy and result.scores[0].learner == "tfidf_linear"
    assert set(study.results[0].rows["text"]) <= set(study.source.rows.texts)
    assert asked[0] == "1 rows a class, seed 0" and len(asked) == 9


def test_settings_reach_the_condenser(embedder):
    rows = make_rows(per_class=10).rename_columns({"text": "body", "label": "kind"})
    study = budget_curve(rows, embedder=embedder, sizes=[1, 2, 3], n_seeds=1, text="body", label="kind")
    assert study.results[0].run.settings["label"] == "kind"
    with pytest.raises(SettingError, match="no learner 'svm'"):
        budget_curve(rows, embedder=embedder, learner="svm", text="body", label="kind")
