"""How much noise votes get, and that no vote is released twice."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from condensers.errors import MissingDependencyError, SettingError
from condensers.methods.condensed import cluster_sizes
from condensers.methods.evolution import Guarantee, VoteRelease, noise_multiplier


def spent(sigma, epsilon):
    """Delta of one Gaussian mechanism of sensitivity 1 (Balle and Wang 2018, Theorem 8)."""
    return norm.cdf(0.5 / sigma - epsilon * sigma) - np.exp(epsilon) * norm.cdf(-0.5 / sigma - epsilon * sigma)


@settings(deadline=None, max_examples=30)
@given(epsilon=st.floats(0.1, 8), exponent=st.floats(-9, -2))
def test_one_release_has_the_noise_of_the_closed_form(epsilon, exponent):
    delta = 10**exponent
    sigma = noise_multiplier(epsilon, delta, 1)
    assert spent(sigma, epsilon) == pytest.approx(delta, rel=1e-5)
    assert spent(sigma, epsilon) <= delta * (1 + 1e-6)
    assert spent(0.99 * sigma, epsilon) > delta  # less noise would not do


@pytest.mark.parametrize(("epsilon", "delta", "releases"), [(1.0, 1e-5, 10), (4.0, 1e-6, 3), (0.5, 1e-4, 1)])
def test_several_releases_keep_to_the_budget_by_the_accountants_of_dp_accounting(epsilon, delta, releases):
    import dp_accounting
    from dp_accounting.pld import PLDAccountant
    from dp_accounting.rdp import RdpAccountant

    sigma = noise_multiplier(epsilon, delta, releases)
    event = dp_accounting.SelfComposedDpEvent(dp_accounting.GaussianDpEvent(sigma), releases)
    tight = PLDAccountant().compose(event).get_epsilon(delta)
    assert tight == pytest.approx(epsilon, rel=1e-4)
    assert RdpAccountant().compose(event).get_epsilon(delta) >= tight - 1e-6
    # An iteration more than was calibrated for costs more than was asked for.
    one_more = dp_accounting.SelfComposedDpEvent(dp_accounting.GaussianDpEvent(sigma), releases + 1)
    assert PLDAccountant().compose(one_more).get_epsilon(delta) > epsilon * 1.02


@settings(deadline=None, max_examples=40)
@given(n_rows=st.integers(0, 30), n_texts=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_votes_sum_to_the_rows_and_one_row_changes_one_vote(n_rows, n_texts, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows + 1, 5)).astype(np.float32)
    texts = rng.normal(size=(n_texts, 5)).astype(np.float32)
    fewer, more = cluster_sizes(rows[:-1], texts), cluster_sizes(rows, texts)
    assert fewer.sum() == n_rows and more.sum() == n_rows + 1
    assert np.linalg.norm(more - fewer) == 1  # the sensitivity that the noise is measured by


def release(votes, sigma=2.0, iteration=1, key="rows", releases=2, noise_seed=None, texts=None):
    guarantee = Guarantee(1.0, 1e-5, releases, sigma, noise_seed)
    names = texts or [str(i) for i in range(len(votes))]
    (noisy,) = VoteRelease(guarantee, key).release(iteration, [names], lambda: [np.asarray(votes)])
    return noisy


def test_noise_has_its_deviation_and_whole_votes_come_out():
    noisy = release([100] * 4000, sigma=5.0)
    assert np.std(noisy) == pytest.approx(5.0, rel=0.06)  # five deviations of the estimate
    assert np.mean(noisy) == pytest.approx(100, abs=0.4)
    assert (noisy == np.rint(noisy)).all()


def test_the_same_votes_are_released_once():
    first = release([5] * 200)
    assert release([5] * 200).tolist() == first.tolist()
    # Anything that leads to other votes leads to other noise, and so does another amount of it.
    for other in ({"iteration": 2}, {"key": "other rows"}, {"texts": ["other"] * 200}, {"sigma": 2.1}):
        assert release([5] * 200, **other).tolist() != first.tolist()


def test_noise_does_not_come_from_a_seed_that_the_run_knows(monkeypatch, tmp_path):
    import datasets

    draws = []
    for name in ("one", "two"):
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / name)
        draws.append(release([5] * 200).tolist())
    assert draws[0] != draws[1]
    seeded = []
    for name in ("three", "four"):
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / name)
        seeded.append(release([5] * 200, noise_seed=1).tolist())
    assert seeded[0] == seeded[1]


def test_votes_without_noise_are_not_written(tmp_path):
    import datasets

    release(list(range(1000, 1200)), sigma=3.0)
    (kept,) = [path for path in (datasets.config.HF_DATASETS_CACHE / "condensers").rglob("*") if path.is_file()]
    (found,) = json.loads(kept.read_text())
    assert found != list(range(1000, 1200))


def test_of_two_processes_the_first_release_counts(monkeypatch):
    taken = []

    def count():
        # Another process releases the same votes while this one counts.
        taken.append(release([5] * 50).tolist())
        return [np.asarray([5] * 50)]

    guarantee = Guarantee(1.0, 1e-5, 2, 2.0)
    (noisy,) = VoteRelease(guarantee, "rows").release(1, [[str(i) for i in range(50)]], count)
    assert noisy.tolist() == taken[0]


def test_a_release_beyond_the_budget_is_refused():
    with pytest.raises(SettingError, match="release 3 is beyond the 2"):
        release([1], iteration=3)


def test_without_noise_votes_pass_as_they_are():
    votes = VoteRelease(Guarantee.of(None, None, 1, None), "").release(1, [["a"]], lambda: [np.array([7])])
    assert votes[0].tolist() == [7.0]


def test_what_a_card_may_say():
    assert Guarantee.of(None, None, 3, None).statement == "No privacy guarantee: real rows voted without noise."
    kept = Guarantee.of(2.0, 1e-6, 3, None)
    assert kept.statement.startswith(
        "(epsilon, delta) = (2, 1e-06) for adding or removing one row of the source, by 3"
    )
    assert "outside of this guarantee" in kept.statement
    assert kept.to_dict() | {"noise_multiplier": 0, "statement": ""} == {
        "epsilon": 2.0,
        "delta": 1e-6,
        "releases": 3,
        "noise_multiplier": 0,
        "withheld": True,
        "statement": "",
    }
    undone = Guarantee.of(2.0, 1e-6, 3, 0)
    assert undone.statement.startswith("No privacy guarantee") and undone.to_dict()["epsilon"] is None


def test_without_dp_accounting_the_line_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'condensers\[dp\]'"):
        noise_multiplier(1.0, 1e-5, 1)
