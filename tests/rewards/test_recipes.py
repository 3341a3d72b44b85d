import pytest

from condensers.errors import SettingError
from condensers.rewards import RECIPES, FitRecipe, resolve_recipe


def test_the_papers_recipes():
    assert RECIPES["checker"] == FitRecipe(learning_rate=6e-5, num_train_epochs=5, batch_size=32)
    heavy = RECIPES["representability"]
    assert (heavy.learning_rate, heavy.num_train_epochs, heavy.batch_size, heavy.dropout) == (1e-5, 1, 32, 0.3)
    assert (heavy.warmup_ratio, heavy.weight_decay, heavy.max_grad_norm) == (0.1, 0.01, 1.0)
    cover = RECIPES["coverage"]
    assert (cover.learning_rate, cover.max_steps, cover.batch_size, cover.dropout) == (1e-4, 200, 64, 0.1)
    assert (cover.warmup_ratio, cover.weight_decay, cover.max_grad_norm) == (0.5, 0.01, 1.0)


def test_resolving():
    own = FitRecipe(max_steps=3)
    assert resolve_recipe(own) is own
    assert resolve_recipe("coverage") is RECIPES["coverage"]
    with pytest.raises(SettingError, match=r"one of checker, representability, coverage.*'quality'"):
        resolve_recipe("quality")


@pytest.mark.parametrize(
    "setting",
    [
        {"learning_rate": 0.0},
        {"num_train_epochs": -1},
        {"batch_size": 0},
        {"max_steps": 0},
        {"warmup_ratio": 1.0},
        {"weight_decay": -0.1},
        {"max_grad_norm": 0.0},
        {"dropout": 1.0},
    ],
)
def test_numbers_out_of_range(setting):
    with pytest.raises(SettingError, match=f"`{next(iter(setting))}` must be"):
        FitRecipe(**setting)
