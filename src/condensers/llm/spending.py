"""What a run spends on a language model, and where it has to stop."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from condensers.errors import SettingError
from condensers.llm.protocol import LIMIT, Completion

_COUNTED = (
    "n_requests",
    "n_retries",
    "n_input_tokens",
    "n_output_tokens",
    "n_cache_hits",
    "n_saved_input_tokens",
    "n_saved_output_tokens",
    "n_planned",
    "n_done",
)


@dataclass(frozen=True)
class Prices:
    """What the user pays, in whatever currency, for a million tokens."""

    input_per_million: float = 0.0
    output_per_million: float = 0.0

    def __post_init__(self) -> None:
        if self.input_per_million < 0 or self.output_per_million < 0:
            raise SettingError(
                f"prices must be 0 or more; got {self.input_per_million} for input, {self.output_per_million} for "
                f"output."
            )

    def cost(self, n_input_tokens: int, n_output_tokens: int) -> float:
        """Price of some tokens."""
        return (n_input_tokens * self.input_per_million + n_output_tokens * self.output_per_million) / 1e6


@dataclass(frozen=True)
class SpendingLimits:
    """Where a run stops, with what it has.

    Attributes:
        max_requests: Requests sent, retries among them; never exceeded.
        max_tokens: Tokens in and out. Known only from replies, so what was under way when the limit was reached is
            finished and comes on top; the same holds for `max_cost`.
        max_cost: In the currency of the prices.
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and value < 0:
                raise SettingError(f"`{name}` must be 0 or more; got {value}.")


class Usage:
    """Counts what models spend; safe to share between threads, and between the models of a run.

    Args:
        prices: For the cost; None counts tokens only.
        limits: Where to stop; None never does.

    Attributes:
        n_requests: Requests sent, retries among them. For a model in process, replies generated.
        n_retries: Requests that repeated one that had failed.
        n_input_tokens: Tokens of chats answered.
        n_output_tokens: Tokens of replies, also of those with a problem.
        n_cache_hits: Replies that cost nothing.
        n_saved_input_tokens: Tokens of chats that those replies once answered; spent and saved together are what the
            run costs somebody with an empty cache.
        n_saved_output_tokens: Tokens of those replies.
        n_planned: Replies that were wanted so far.
        n_done: Those of them that are there, or have a problem.
        problems: How often each kind of problem occurred.
        dropped: Replies that their reader let go, by reason (`count_dropped`).

    Raises:
        SettingError: if there is a limit on the cost and there are no prices.
    """

    def __init__(self, prices: Prices | None = None, limits: SpendingLimits | None = None) -> None:
        self.prices = prices
        self.limits = limits or SpendingLimits()
        if self.limits.max_cost is not None and prices is None:
            raise SettingError(f"`max_cost` ({self.limits.max_cost}) needs prices; pass `Prices(...)` as well.")
        self.n_requests = self.n_retries = self.n_input_tokens = self.n_output_tokens = 0
        self.n_cache_hits = self.n_saved_input_tokens = self.n_saved_output_tokens = 0
        self.n_planned = self.n_done = 0
        self.problems: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._n_running = 0
        self._began = self._seconds = 0.0

    @property
    def cost(self) -> float | None:
        """What the tokens cost; None without prices."""
        with self._lock:
            return self.prices.cost(self.n_input_tokens, self.n_output_tokens) if self.prices else None

    @property
    def n_failures(self) -> int:
        """Replies that could not be had, after all retries."""
        return self.problems["failed"]

    @property
    def seconds(self) -> float:
        """Time during which models were at work."""
        with self._lock:
            return self._seconds + (time.perf_counter() - self._began if self._n_running else 0.0)

    @property
    def seconds_left(self) -> float | None:
        """Time for the rest of what is planned, at the speed so far; None before the first reply."""
        with self._lock:
            n_asked = self.n_done - self.n_cache_hits
            return self.seconds / n_asked * max(self.n_planned - self.n_done, 0) if n_asked else None

    @property
    def reached(self) -> str | None:
        """The limit that was reached, in words; None while there is room."""
        with self._lock:
            spent = {
                "max_requests": self.n_requests,
                "max_tokens": self.n_input_tokens + self.n_output_tokens,
                "max_cost": self.cost or 0.0,
            }
        for name, limit in asdict(self.limits).items():
            if limit is not None and spent[name] >= limit:
                return f"{name}={limit}"
        return None

    def admit(self, *, retry: bool = False) -> bool:
        """Counts one request about to be sent, unless a limit was reached: then it must not be."""
        with self._lock:
            if self.reached:
                return False
            self.n_requests += 1
            self.n_retries += retry
            return True

    def figures(self) -> dict[str, Any]:
        """What asking has changed, for `take_over` in another process."""
        with self._lock:
            return {**{name: getattr(self, name) for name in _COUNTED}, "problems": Counter(self.problems)}

    def take_over(self, figures: Mapping[str, Any]) -> None:
        """Counts what another process asked, in place of what this one counted; what readers dropped stays."""
        with self._lock:
            for name, value in figures.items():
                setattr(self, name, value)

    def plan(self, n_replies: int) -> None:
        """Adds to the replies that are wanted."""
        with self._lock:
            self.n_planned += n_replies

    def count_hit(self, completion: Completion) -> None:
        """Counts a reply from the cache, wanted and done at once."""
        with self._lock:
            self.n_planned += 1
            self.n_done += 1
            self.n_cache_hits += 1
            self.n_saved_input_tokens += completion.n_input_tokens
            self.n_saved_output_tokens += completion.n_output_tokens

    def count(self, completion: Completion) -> Completion:
        """Counts a completion and hands it back."""
        with self._lock:
            self.n_done += 1
            self.count_tokens(completion)
            if completion.problem_kind:
                self.problems[completion.problem_kind] += 1
        return completion

    def count_tokens(self, completion: Completion) -> None:
        """Counts the tokens of a reply that is about to be asked for again in another way."""
        with self._lock:
            self.n_input_tokens += completion.n_input_tokens
            self.n_output_tokens += completion.n_output_tokens

    def count_dropped(self, reason: str) -> None:
        """Counts a reply that its reader has no use for, such as one that copies a source row."""
        with self._lock:
            self.dropped[reason] += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lets the clock run; threads that run at once count once."""
        with self._lock:
            if not self._n_running:
                self._began = time.perf_counter()
            self._n_running += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_running -= 1
                if not self._n_running:
                    self._seconds += time.perf_counter() - self._began

    def to_dict(self) -> dict[str, Any]:
        """The figures for a run's record."""
        with self._lock:
            return {
                "requests": self.n_requests,
                "retries": self.n_retries,
                "input_tokens": self.n_input_tokens,
                "output_tokens": self.n_output_tokens,
                "cost": self.cost,
                "prices": asdict(self.prices) if self.prices else None,
                "cache_hits": self.n_cache_hits,
                "saved_input_tokens": self.n_saved_input_tokens,
                "saved_output_tokens": self.n_saved_output_tokens,
                "failures": self.n_failures,
                "problems": dict(sorted(self.problems.items())),
                "dropped": dict(sorted(self.dropped.items())),
                "limits": {name: value for name, value in asdict(self.limits).items() if value is not None},
                "limit_reached": self.reached if self.problems[LIMIT] else None,
                "seconds": round(self.seconds, 3),
            }
