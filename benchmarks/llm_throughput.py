"""Requests a second that the LLM client reaches with a server that answers each after 200 ms.

    python benchmarks/llm_throughput.py                     # 6 ways x 3 turns x 1,600 requests: 3 minutes

32 requests under way at once and 0.2 s each make 160 a second, the ceiling. The server is a bare asyncio one in a
process of its own. Beside `OpenAIChat`, with and without the cache of replies and the live view, the openai client is
measured alone, in the same number of tasks: what that reaches is the floor of time that is not ours. Bare sockets show
what the machine and the server leave of the ceiling. All take turns in one process; each turn begins with a new
client, and its connections count. The table goes to `benchmarks/results/llm_throughput.md`.
"""

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

from condensers.llm import CachedLLM, Message, OpenAIChat, SamplingSettings, live_usage

TABLE = Path(__file__).parent / "results" / "llm_throughput.md"
GOAL = 0.9
NOTES = """\
What keeps the client below the bare sockets is the time that openai and httpx2 take for a request: in a profile of
`OpenAIChat`, 96 % of the processor time of a request was theirs (building the request and its headers, the pool of
connections, reading the reply) and 4 % this library's. Replies come in bunches, and each of a bunch waits for the
others. The first 32 replies also wait for their connections, 0.1 to 0.2 s in all: with 800 requests a turn that takes
3 % off the rate.
"""
REPLY = "The film was excellent, but the story was slow."


class Connected(asyncio.Protocol):
    """One connection: reads requests one after the other, answers each after a delay."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        if len(body) >= length:
            self.received = body[length:]
            asyncio.get_running_loop().call_later(self.delay, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def _answer() -> bytes:
    body = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 0,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 12, "total_tokens": 132},
    }
    payload = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload


ANSWER = _answer()


def serve(delay: float, pipe: Connection) -> None:
    """Serves until killed; sends the port."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Connected(delay), "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def chats(n: int) -> list[list[Message]]:
    """Prompts of about 120 tokens, each its own."""
    told = "Rewrite the review below in your own words. Keep what it says and its tone. " * 5
    return [
        [{"role": "system", "content": "You rewrite reviews."}, {"role": "user", "content": f"{told}\nReview {i}."}]
        for i in range(n)
    ]


def bare(url: str, asked: list[list[Message]], concurrency: int) -> None:
    """Sockets and nothing else: what the machine and the server reach."""
    port = int(url.rpartition(":")[2].partition("/")[0])

    async def run() -> None:
        waiting = iter(asked)

        async def work() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for messages in waiting:
                body = json.dumps({"model": "bench", "messages": messages}).encode()
                writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await reader.readexactly(len(ANSWER))
            writer.close()

        await asyncio.gather(*(work() for _ in range(concurrency)))

    asyncio.run(run())


def openai_alone(url: str, asked: list[list[Message]], concurrency: int) -> None:
    """What the openai client reaches by itself."""
    from openai import AsyncOpenAI

    async def run() -> None:
        waiting = iter(asked)

        async def work(client: AsyncOpenAI) -> None:
            for messages in waiting:
                reply = await client.chat.completions.create(
                    model="bench", messages=messages, temperature=1.0, max_tokens=1024, seed=0
                )
                assert reply.choices[0].message.content == REPLY

        async with AsyncOpenAI(base_url=url, api_key="none") as client:
            await asyncio.gather(*(work(client) for _ in range(concurrency)))

    asyncio.run(run())


def ours(
    url: str, asked: list[list[Message]], concurrency: int, cache: Path | None = None, live: bool = False
) -> None:
    from rich.console import Console

    llm = OpenAIChat("bench", url, max_concurrency=concurrency, sampling=SamplingSettings())
    screen = Console(file=io.StringIO(), force_terminal=True)
    with live_usage(llm.usage, console=screen) if live else nullcontext():
        replies = (CachedLLM(llm, cache) if cache else llm).complete(asked)
    assert all(reply.text == REPLY and reply.problem is None for (reply,) in replies)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the clock and of this process's processors."""
    clock, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - busy


def measure(url: str, arguments: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    asked, n = chats(arguments.requests), arguments.concurrency
    found: dict[str, list[tuple[float, float]]] = {}
    openai_alone(url, asked[:n], n)  # imports
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.turns):
            cache, shown = Path(folder) / f"{turn}.sqlite", Path(folder) / f"{turn}-live.sqlite"
            ways: dict[str, Callable[[], None]] = {
                "bare sockets": lambda: bare(url, asked, n),
                "openai client alone": lambda: openai_alone(url, asked, n),
                "`OpenAIChat`": lambda: ours(url, asked, n),
                "with the cache, empty": lambda cache=cache: ours(url, asked, n, cache),
                "with the cache and the live view": lambda shown=shown: ours(url, asked, n, shown, live=True),
                "all from the cache": lambda cache=cache: ours(url, asked, n, cache),
            }
            for name, work in ways.items():
                found.setdefault(name, []).append(timed(work))
                seconds, busy = found[name][-1]
                print(f"turn {turn}: {name}: {len(asked) / seconds:.1f}/s, {busy / len(asked) * 1e3:.2f} ms CPU")
    return found


def table(found: dict[str, list[tuple[float, float]]], arguments: argparse.Namespace) -> str:
    ceiling = arguments.concurrency / arguments.delay
    asked = f"{arguments.concurrency} requests at once, {arguments.delay * 1e3:.0f} ms each"
    lines = [
        f"# Throughput of the LLM client: {asked}",
        "",
        f"Ceiling: {ceiling:.0f} requests a second; goal: {GOAL:.0%} of it. {arguments.requests} requests a turn, "
        f"{arguments.turns} turns, the median and in brackets the slowest and the quickest. {os.cpu_count()} CPU "
        f"cores ({platform.machine()}), {arguments.note}. Python {platform.python_version()}, openai "
        f"{version('openai')}, pydantic {version('pydantic')}. CPU is that of the client's process, all threads.",
        "",
        "| | requests a second | of the ceiling | CPU, ms a request | CPU beside the openai client's |",
        "|---|---|---|---|---|",
    ]
    alone = statistics.median(busy for _, busy in found["openai client alone"])
    for name, runs in found.items():
        rates = sorted(arguments.requests / seconds for seconds, _ in runs)
        busy = statistics.median(busy for _, busy in runs)
        rate = statistics.median(rates)
        share = "" if name == "all from the cache" else f"{rate / ceiling:.0%}"
        lines.append(
            f"| {name} | {rate:,.1f} ({rates[0]:,.1f} to {rates[-1]:,.1f}) | {share} | "
            f"{busy / arguments.requests * 1e3:.2f} | {busy / alone:.2f} |"
        )
    return "\n".join([*lines, "", NOTES])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1600)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds the server takes")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--note", default="nothing else running", help="what else the machine did; goes to the table")
    parser.add_argument("--output", type=Path, default=TABLE)
    arguments = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(arguments.delay, there), daemon=True)
    server.start()
    try:
        found = measure(f"http://127.0.0.1:{here.recv()}/v1", arguments)
    finally:
        server.kill()
    text = table(found, arguments)
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
