"""What commands say of a language model: which settings go with it, what a run will need, what it took."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from condensers.cli.screen import note, print_json, print_table

if TYPE_CHECKING:
    from condensers.methods.llm_condenser import LLMCondenser


def check_known(methods: Sequence[str], asked: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """Raises if a setting is given that none of the methods has.

    Raises:
        SettingError: if it is.
    """
    from condensers.errors import SettingError
    from condensers.methods import settings_for

    known = {name for method in methods for name in settings_for(method, {**asked, "llm": None})}
    strange = [f"--{name.replace('_', '-')}" for name in asked if name not in known]
    if dry_run and "llm" not in known:
        strange.append("--dry-run")
    if not strange:
        return
    if len(methods) == 1:
        who, has, asks = f"the method {methods[0]!r} takes no", "it has", "it asks"
    else:
        who, has, asks = f"none of the methods {', '.join(methods)} takes", "they have", "they ask"
    for_llms = "llm" not in known and (dry_run or "llm" in asked)
    why = f"{asks} no language model. Leave that out." if for_llms else f"{has} no such setting."
    raise SettingError(f"{who} {', '.join(strange)}: {why}")


def show_estimate(condenser: "LLMCondenser", source: str, place: dict[str, str | None], json: bool) -> None:
    """Prints what a run will need."""
    from dataclasses import asdict

    needed = condenser.estimate(source, **place)
    if json:
        print_json(asdict(needed))
        return
    rows = [
        *((name, f"{n:,}", "") for name, n in needed.own_work.items()),
        ("requests", f"{needed.n_requests:,}", ""),
        ("tokens in", f"{needed.n_input_tokens:,}", f"{needed.max_input_tokens:,}"),
        ("tokens out", f"{needed.n_output_tokens:,}", f"{needed.max_output_tokens:,}"),
    ]
    if needed.cost is not None:
        rows.append(("cost", f"{needed.cost:.4f}", f"{needed.max_cost:.4f}"))
    print_table(
        f"{condenser.condenser_type}: {needed.n_rounds} round(s)",
        ("", "expected", "at most"),
        rows,
        right=("expected",),
    )
    note(
        f"Nothing was sent. Tokens are counted by {needed.counted_by}. Replies that have to be repaired come on top, "
        f"and so does a simpler request, should the model not manage the first; --max-requests, --max-tokens and "
        f"--max-cost hold whatever happens."
    )


def spent(llm: "Mapping[str, Any]") -> list[str]:
    """What a run asked and spent, in lines for people."""
    used, events = llm["usage"], llm["events"]
    cost = "" if used["cost"] is None else f", cost {used['cost']:.4f}"
    saved = used.get("saved_input_tokens", 0) + used.get("saved_output_tokens", 0)
    kept = f"{used['cache_hits']:,} replies from the cache" + (f" saved {saved:,} tokens" if saved else "")
    lines = [
        f"{llm['model']}: {used['requests']:,} requests, {used['input_tokens']:,} tokens in, "
        f"{used['output_tokens']:,} out{cost}; {kept}. Rows asked for as {llm['reply_format']}."
    ]
    if events["unusable"]:
        faults = ", ".join(f"{reason} {n:,}" for reason, n in events["unusable"].items())
        dropped = events.get("dropped", 0)
        lines.append(f"Of {events['replies']:,} replies could not be used: {faults}; {dropped:,} were given up.")
    if used["limit_reached"]:
        lines.append(f"It stopped at the limit {used['limit_reached']}; what was replied is in the cache.")
    return lines
