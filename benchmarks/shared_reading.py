"""How much faster a model in process is than plain `generate`: chats share their reading, and rows that end leave.

    python benchmarks/shared_reading.py

Best-of-n with SmolLM2: four rows of sst2's kind, four replies for each, in one batch of 16, as `CondenseLMCondenser`
(one rewritten row), `LLMWriter` (rows around a point) and `LLMRefiner` (one text to mend) ask for them. Plain is one
call of `generate` for the batch, which reads each chat from its beginning and goes on until the last row has ended.
Ways take turns, so that other work on the machine slows all; the table gives medians. Replies are compared too. With
weights in bfloat16 the same is asked once more; its replies are other ones, so that is told by the token.

The floor of reading is two operations a weight and token: what is saved is the tokens that are not read again.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from condensers.llm import Prompt, Request, SamplingSettings, TransformersChat, roomy_cache, shared_reading
from condensers.llm.bundled import bundled_llm

TABLE = Path(__file__).parent / "results" / "shared_reading.md"
CPU = Path("/proc/cpuinfo")
ROWS = (
    "a gripping story told with unusual warmth",
    "the jokes fall flat one after another and nobody seems to care",
    "an odd , quiet little film",
    "he has made a film that lingers in the mind long after the credits",
)
N_REPLIES = 4
MAX_TOKENS = 60


def chats() -> dict[str, list[list[Any]]]:
    """The chats of each kind, one a row."""
    rewrite, write, mend = (Prompt.load(name) for name in ("asking/in_other_words", "pinr/neighbours", "pinr/generic"))
    turned = [[[text] for text in ROWS[i:] + ROWS[:i]] for i in range(len(ROWS))]
    return {
        "a row in other words": [rewrite.messages(text=text) for text in ROWS],
        "a row from its neighbours": [write.messages(rows=rows, names=[]) for rows in turned],
        "a text to mend": [mend.messages(text=text, parts=[text], names=[], label="positive") for text in ROWS],
    }


@contextmanager
def each_alone() -> Iterator[None]:
    """Has `generate` read every chat from its beginning, as often as it is asked, and keep all rows to the end."""
    with mock.patch.object(roomy_cache, "roomy_cache", lambda model, room: None):
        yield


def has_amx() -> bool:
    """Whether this processor multiplies matrices of bfloat16 by itself; known on Linux alone."""
    return "amx_bf16" in CPU.read_text() if CPU.is_file() else False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    llm, half = (
        TransformersChat(bundled_llm(), dtype=dtype, sampling=SamplingSettings(temperature=0.7, seed=1))
        for dtype in ("float32", "bfloat16")
    )
    # Word vectors are looked up, and only the last token of a chat goes on to the vocabulary.
    n_weights = sum(weight.numel() for name, weight in llm.model.named_parameters() if "embed_tokens" not in name)
    lines = [
        "# A model in process beside plain `generate`: best of four, four chats, one batch",
        "",
        f"SmolLM2-135M in process, float32 but for the last column, {torch.get_num_threads()} thread(s), "
        f"{platform.machine()}{' with AMX' if has_amx() else ''}; medians of {given.turns} turns, taken alternately. "
        "Where other work shares the machine, ratios are what counts.",
        "",
        "| asked for | tokens given | tokens read | floor of reading, GFLOP (each alone) | tokens written "
        "| plain, s | ours, s | speed-up | equal replies | ours, ms a token | in bfloat16 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, messages in chats().items():
        requests = [Request(chat, k, MAX_TOKENS) for chat in messages for k in range(N_REPLIES)]
        seconds: dict[bool, list[float]] = {True: [], False: []}
        texts: dict[bool, list[str]] = {}
        in_half: list[float] = []
        n_read: list[int] = []

        def counted(*args: Any, n_read: list[int] = n_read, **kwargs: Any) -> Any:  # noqa: ANN401
            read = shared_reading.read_chats(*args, **kwargs)
            # `generate` reads the last token of each chat.
            n_read.append(read.n_read + len(read.input_ids) if read.n_read else read.input_ids.numel())
            return read

        for _ in range(given.turns):
            for alone in (True, False):
                began = time.perf_counter()
                with mock.patch("condensers.llm.transformers_chat.read_chats", counted):
                    if alone:
                        with each_alone():
                            replies = dict(llm.stream(requests))
                    else:
                        replies = dict(llm.stream(requests))
                seconds[alone].append(time.perf_counter() - began)
                texts[alone] = [replies[i].text for i in range(len(requests))]
            began = time.perf_counter()
            n_in_half = sum(reply.n_output_tokens for _, reply in half.stream(requests))
            in_half.append(1000 * (time.perf_counter() - began) / n_in_half)
        given_tokens = sum(reply.n_input_tokens for reply in replies.values())
        written = sum(reply.n_output_tokens for reply in replies.values())
        alone_s, shared_s = (statistics.median(seconds[alone]) for alone in (True, False))
        equal = sum(one == other for one, other in zip(texts[True], texts[False], strict=True))
        floor = [2 * n_weights * n / 1e9 for n in n_read[:2]]
        lines.append(
            f"| {name} | {given_tokens:,} | {n_read[1]:,} | {floor[1]:.0f} ({floor[0]:.0f}) | {written:,} "
            f"| {alone_s:.1f} | {shared_s:.1f} | {alone_s / shared_s:.2f} | {equal} of {len(requests)} "
            f"| {1000 * shared_s / written:.0f} | {statistics.median(in_half):.0f} |"
        )
        print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
