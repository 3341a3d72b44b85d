"""Methods side by side at the same cost, whatever it is counted in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from condensers.errors import SettingError
from condensers.evaluation.comparison import MethodResult
from condensers.llm.tokens import rough_tokens

Resource = Literal["rows", "tokens", "seconds", "llm_tokens", "cost"]
"""What a budget is counted in.

Condensed rows; tokens of their texts, which training on them costs, counted roughly (four characters each); seconds of
condensing without the embedding pass, which methods share; tokens of a language model, in and out; and its price. What
came from the cache of replies costs nothing.
"""


@dataclass(frozen=True)
class EqualBudget:
    """The most that each method makes of the same budget.

    Attributes:
        resource: What the budget is counted in.
        amount: The budget.
        results: For each method its largest run that the budget pays, in the order of the methods; None where it pays
            none.
    """

    resource: Resource
    amount: float
    results: Mapping[str, MethodResult | None]


def check_equal(resource: str, amount: float | None = None) -> None:
    """Raises unless runs can be compared at so much of a resource.

    Raises:
        SettingError: if there is no such resource, or the amount is not above 0.
    """
    if resource not in get_args(Resource):
        raise SettingError(f"there is no resource {resource!r}; choose one of {', '.join(get_args(Resource))}.")
    if amount is not None and not amount > 0:
        raise SettingError(f"a budget of {resource} must be above 0; got {amount}.")


def spent(result: MethodResult, resource: Resource) -> float:
    """What a run spent.

    Raises:
        SettingError: if there is no such resource.
    """
    check_equal(resource)
    if resource == "rows":
        return len(result.rows)
    if resource == "seconds":
        return result.seconds
    if resource == "tokens":
        columns = [result.rows.with_format(None)[name][:] for name in result.run.settings["text"]]
        return sum(rough_tokens(text or "") for column in columns for text in column)
    used = (result.run.llm or {}).get("usage", {})
    if resource == "cost":
        return float(used.get("cost") or 0.0)
    return used.get("input_tokens", 0) + used.get("output_tokens", 0)


def at_equal(results: Sequence[MethodResult], resource: Resource, amount: float | None = None) -> EqualBudget:
    """Takes of each method the run that spends most within a budget.

    Methods should have been run at several sizes: a method whose rows are long is then compared with fewer of them.

    Args:
        results: Runs of several methods at several sizes.
        resource: What the budget is counted in.
        amount: The budget; None takes the largest that every method can spend: the smallest over the methods of what
            their most expensive run spent.

    Raises:
        SettingError: if there are no results, no such resource, or the budget is not above 0.
    """
    if not results:
        raise SettingError("`results` must hold at least one run; got none.")
    check_equal(resource, amount)
    runs: dict[str, list[tuple[float, MethodResult]]] = {}
    for result in results:
        runs.setdefault(result.method, []).append((spent(result, resource), result))
    budget = min(max(cost for cost, _ in own) for own in runs.values()) if amount is None else amount
    found = {}
    for method, own in runs.items():
        affordable = [(cost, len(result.rows), i) for i, (cost, result) in enumerate(own) if cost <= budget]
        found[method] = own[max(affordable)[2]][1] if affordable else None
    return EqualBudget(resource, budget, found)
