"""How well do inverter and corrector turn MiniLM's vectors back into texts? SST-2 phrases, SmolLM2 inside.

    python benchmarks/inverter.py --data ../shared/data            # two cores: 45 minutes for the inverter, 20 more
    python benchmarks/inverter.py --data ../shared/data --inverter-minutes 2 --corrector-minutes 1 --name trial

The training rows of SST-2 are phrases of sentences, so that a row held out at random has its own sub-phrases among the
rest: there the nearest of the other rows has a mean cosine of 0.90, and nothing is learned about inversion. Here
whole sentences are held out with every phrase of theirs, wherever it occurs; targets are drawn from these phrases.

Training gets the minutes given: a few steps are timed first, which decides how many there will be. Vectors are
computed before the clock runs; attempts for the corrector are written while it runs. The corrector is trained on
rows that the inverter has not come to, if there are any left.

`greedy, corrected` is one text, corrected once, if that brings it closer. `drawn_8` writes eight texts and keeps the
one whose vector is nearest to the target. `guided` is a search that embeds what it has written at every token, and
`guided, corrected` lets the corrector search so too, twice, from the one text that is kept.

Compared with: the nearest training row; SmolLM2 as it came, from its start token, drawn and guided; the inverter given
the vector of another target. Token F1 is that of bags of lower-case words, averaged over targets. `nats` is what a
token of the text costs under SmolLM2 as it came, the end left out: how far it is from English.

A stopped run goes on at the last checkpoint in `--work`, and finished measurements are lines in
`benchmarks/results/inverter.jsonl`. The table goes to `benchmarks/results/inverter.md`.
"""

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells
from datasets import Dataset
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from condensers import (
    EmbeddingInversion,
    EmbeddingInverter,
    InverterCorrector,
    InverterTrainer,
    InverterTrainingConfig,
    load_embedder,
    load_source,
)
from condensers.data import temporary_seed, write_json
from condensers.embedding import Embedder, embed_texts
from condensers.inversion.inverter import Inverted, PrefixedModel
from condensers.inversion.inverter.guidance import TextVectors, guided_search
from condensers.llm.bundled import bundled_llm
from condensers.selection import nearest_of

CELLS = Cells(Path(__file__).parent / "results" / "inverter.jsonl", ("name", "method"))
TABLE = CELLS.path.with_suffix(".md")
CORRECTED = "guided, corrected"
N_SENTENCES = 60
N_TIMED = 6
# The rest is for checkpoints, and for steps slower than those that were timed.
RESERVE = 0.92


def split(texts: list[str], n_targets: int) -> tuple[list[str], list[str]]:
    """Training rows, and targets from held-out sentences of which no phrase is among the training rows."""
    rng = np.random.default_rng(0)
    sentences = []
    for start in rng.permutation([i for i, text in enumerate(texts) if len(text.split()) >= 12])[:N_SENTENCES]:
        sentence = texts[start]
        while longer := next((text for text in texts if len(text) > len(sentence) and sentence in text), None):
            sentence = longer
        sentences.append(f" {sentence} ")
    held = {text for text in texts if any(f" {text} " in sentence for sentence in sentences)}
    rest = [text for text in texts if text not in held]
    targets = sorted(held)
    drawn = rng.permutation(len(targets))[:n_targets]
    return [rest[i] for i in rng.permutation(len(rest))], [targets[i] for i in drawn]


class Remembered:
    """An embedder that has embedded some texts before, in the order of their file, which is the order of the cache."""

    def __init__(self, embedder: Embedder, texts: list[str]) -> None:
        self.name, self.fingerprint = embedder.name, embedder.fingerprint
        self._embedder = embedder
        self._known = dict(zip(texts, embed_texts(texts, embedder).vectors[:], strict=True))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        new = [text for text in texts if text not in self._known]
        made = dict(zip(new, self._embedder.encode(new), strict=True)) if new else {}
        return np.stack([made[text] if text in made else self._known[text] for text in texts])


def token_f1(text: str, reference: str) -> float:
    found, wanted = Counter(text.lower().split()), Counter(reference.lower().split())
    shared = sum((found & wanted).values())
    return 2 * shared / (found.total() + wanted.total()) if shared else 0.0


def trainer_of(
    model: PrefixedModel, rows: list[str], given: argparse.Namespace, folder: Path, n_steps: int, **settings: Any
) -> InverterTrainer:
    args = InverterTrainingConfig(
        output_dir=str(folder),
        max_steps=n_steps,
        learning_rate=given.learning_rate,
        per_device_train_batch_size=given.batch_size,
        save_steps=200,
        save_total_limit=1,
        logging_steps=20,
        report_to="none",
        dataloader_pin_memory=torch.cuda.is_available(),
        **settings,
    )
    data = Dataset.from_dict({"text": rows})
    inverter = given.inverter if isinstance(model, InverterCorrector) else None
    return InverterTrainer(model, args, train_dataset=data, embedder=given.embedder, inverter=inverter)


class Clock(TrainerCallback):
    """When each step ended, in seconds."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.ends.append(time.perf_counter())


def affordable_steps(model: PrefixedModel, rows: list[str], given: argparse.Namespace, minutes: float) -> int:
    """How many steps, and attempts before them, fit into the minutes; at most one pass over the rows."""
    rows = rows[: given.batch_size * (N_TIMED + 1)]
    began, clock = time.perf_counter(), Clock()
    trainer = trainer_of(model, rows, given, given.work / "timed", N_TIMED + 1, save_strategy="no")
    preparing = (time.perf_counter() - began) / len(rows) if isinstance(model, InverterCorrector) else 0.0
    trainer.add_callback(clock)
    trainer.train()
    a_step = (clock.ends[-1] - clock.ends[0]) / N_TIMED + preparing * given.batch_size
    return max(1, int(minutes * 60 * RESERVE / a_step))


def trained(what: str, given: argparse.Namespace, make: Callable[[], Any], rows: list[str], minutes: float) -> Any:  # noqa: ANN401
    """A model from `--work` if it is there, else one trained for so many minutes; how is added to the cells."""
    folder, plan = given.work / what, given.work / f"{what}.json"
    if (given.name, what) in CELLS.by_key():
        return AutoModel.from_pretrained(folder).eval()
    if not plan.is_file():
        given.work.mkdir(parents=True, exist_ok=True)
        n_steps = min(affordable_steps(make(), rows, given, minutes), len(rows) // given.batch_size)
        write_json(plan, {"n_steps": n_steps})
    n_steps = json.loads(plan.read_text())["n_steps"]
    used = rows[: n_steps * given.batch_size]
    checkpoint = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    began = time.perf_counter()
    torch.manual_seed(0)
    model = make()
    trainer = trainer_of(model, used, given, folder, n_steps)
    trainer.train(resume_from_checkpoint=checkpoint)
    minutes = (time.perf_counter() - began) / 60
    trainer.save_model()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    CELLS.add(
        {
            "name": given.name,
            "method": what,
            "n_steps": n_steps,
            "n_rows": len(used),
            "n_text_tokens": sum(len(ids) for ids in model.label_ids(used)),
            "minutes": round(minutes, 1),
            "resumed": checkpoint is not None,
            "last_loss": losses[-1] if losses else None,
            "settings": {name: getattr(model.config, name) for name in ("tuning", "num_virtual_tokens", "lora_r")},
            "learning_rate": given.learning_rate,
            "batch_size": given.batch_size,
            "n_threads": torch.get_num_threads(),
            "device": str(model.device),
        }
    )
    return model.eval()


class Unconditioned:
    """SmolLM2 as it came."""

    def __init__(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(bundled_llm())
        self.model = AutoModelForCausalLM.from_pretrained(bundled_llm()).eval()

    def write(self, n: int, **options: Any) -> list[str]:  # noqa: ANN401
        """Texts written after the start token."""
        start = torch.full((n, 1), self.tokenizer.bos_token_id)
        tokens = self.model.generate(start, attention_mask=torch.ones_like(start), max_new_tokens=24, **options)
        return [text.strip() for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]

    def guided(self, targets: np.ndarray, embedder: Embedder) -> list[str]:
        """The search of `guided` with nothing learned: Zhang, Morris & Shmatikov 2025, without their prompts."""
        given = EmbeddingInversion("", embedder=embedder)
        texts = []
        for start in range(0, len(targets), given.batch_size):
            batch = targets[start : start + given.batch_size]
            search = guided_search(
                batch,
                TextVectors(embedder),
                self.tokenizer,
                num_beams=given.num_candidates,
                guidance=given.guidance,
                branching=given.branching,
                temperature=0.0,
            )
            texts += self.write(len(batch), **search | {"num_return_sequences": 1})
        return texts

    @torch.no_grad()
    def nats(self, texts: list[str]) -> float:
        """Mean negative log-likelihood of the tokens of all texts."""
        total, n_tokens = 0.0, 0
        for text in texts:
            ids = torch.tensor([[self.tokenizer.bos_token_id, *self.tokenizer(text)["input_ids"]]])
            if ids.shape[1] > 1:
                total += self.model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
                n_tokens += ids.shape[1] - 1
        return total / n_tokens


def compare(given: argparse.Namespace, train: list[str], targets: list[str]) -> None:
    """Inverts the targets in every way; finished ones are not done again."""
    vectors = embed_texts(targets, given.embedder).vectors[:]
    rows = embed_texts(train, given.embedder).vectors[:]

    def decoded(**settings: Any) -> Callable[[], Inverted]:  # noqa: ANN401
        return lambda: EmbeddingInversion(given.inverter, embedder=given.embedder, **settings).invert(vectors)

    plain = Unconditioned()
    drawn = {"do_sample": True, "top_k": 0, "temperature": 0.7}
    corrected: dict[str, Any] = {"corrector": given.corrector, "beam_width": 1, "temperature": 0.0}
    methods: dict[str, Callable[[], list[str] | Inverted]] = {
        "the targets": lambda: targets,
        "nearest_row": lambda: [train[i] for i in nearest_of(vectors, rows)],
        "unconditioned": lambda: plain.write(len(targets), **drawn),
        "shuffled": lambda: given.inverter.write(np.roll(vectors, 1, axis=0)),
        "greedy": lambda: given.inverter.write(vectors),
        "greedy, corrected": decoded(**corrected, num_rounds=1, num_candidates=1, guidance=0.0),
        "drawn_8": decoded(num_candidates=8, guidance=0.0),
        "guided": decoded(temperature=0.0),
        CORRECTED: decoded(**corrected, num_rounds=2),
        "unconditioned, guided": lambda: plain.guided(vectors, given.embedder),
    }
    for method, invert in methods.items():
        if (given.name, method) in CELLS.by_key():
            continue
        began = time.perf_counter()
        with temporary_seed(0):
            found = invert()
        texts = found.texts if isinstance(found, Inverted) else found
        seconds = time.perf_counter() - began
        cosine = (given.embedder.encode(texts) * vectors).sum(axis=1)
        f1 = [token_f1(text, target) for text, target in zip(texts, targets, strict=True)]
        cell = {
            "name": given.name,
            "method": method,
            "n_targets": len(targets),
            "cosine": float(cosine.mean()),
            "cosine_error": float(cosine.std(ddof=1) / len(cosine) ** 0.5),
            "token_f1": float(np.mean(f1)),
            "exact": float(np.mean([text == target for text, target in zip(texts, targets, strict=True)])),
            "nats": plain.nats(texts),
            "seconds": round(seconds, 1),
            "cosine_by_round": found.history.mean(axis=1).tolist() if isinstance(found, Inverted) else None,
            "examples": list(zip(targets[:6], texts[:6], strict=True)),
        }
        CELLS.add(cell)
        print(f"{method:20} cosine {cell['cosine']:.3f}  token F1 {cell['token_f1']:.3f}  {seconds:.0f} s", flush=True)


def write_table(name: str) -> None:
    cells = {method: cell for (run, method), cell in CELLS.by_key().items() if run == name}
    inverter = cells["inverter"]
    lines = [
        "# Inverting MiniLM's vectors of SST-2 phrases with SmolLM2-135M",
        "",
        f"{cells['greedy']['n_targets']} held-out phrases of {N_SENTENCES} sentences, no phrase of which was trained "
        f"on. {', '.join(f'{key}: {value}' for key, value in inverter['settings'].items())}. Measured on "
        f"{platform.machine()}, {inverter['device']}, {inverter['n_threads']} thread(s); where other work "
        f"runs beside it, minutes and seconds are too many.",
        "",
        "| model | minutes | steps | rows | text tokens | learning rate | last training loss |",
        "|---|---|---|---|---|---|---|",
    ]
    for what in ("inverter", "corrector"):
        cell = cells[what]
        loss = "" if cell["last_loss"] is None else f"{cell['last_loss']:.2f}"
        minutes = f"{cell['minutes']}{' (from a checkpoint on)' if cell['resumed'] else ''}"
        numbers = f"{cell['n_steps']} | {cell['n_rows']} | {cell['n_text_tokens']}"
        lines.append(f"| {what} | {minutes} | {numbers} | {cell['learning_rate']} | {loss} |")
    lines += ["", "| texts from | cosine | token F1 | exact, % | nats | seconds |", "|---|---|---|---|---|---|"]
    for method, cell in cells.items():
        if "cosine" in cell:
            cosine = f"{cell['cosine']:.3f} ± {cell['cosine_error']:.3f}"
            numbers = f"{cell['token_f1']:.3f} | {100 * cell['exact']:.1f} | {cell['nats']:.1f} | {cell['seconds']}"
            lines.append(f"| {method} | {cosine} | {numbers} |")
    best = cells[CORRECTED]
    rounds = ", ".join(f"{cosine:.3f}" for cosine in best["cosine_by_round"])
    lines += ["", f"Mean cosine of `{CORRECTED}` before the first round and after each: {rounds}."]
    lines += ["", f"| target | {CORRECTED} |", "|---|---|"]
    lines += [f"| {' | '.join(part.replace('|', ' ') for part in pair)} |" for pair in best["examples"]]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/inverter"), help="models and checkpoints")
    parser.add_argument("--name", default="sst2", help="of the run; another one begins anew")
    parser.add_argument("--inverter-minutes", type=float, default=45.0)
    parser.add_argument("--corrector-minutes", type=float, default=20.0)
    parser.add_argument("--tuning", default="full", choices=["full", "lora", "frozen"])
    parser.add_argument("--num-virtual-tokens", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-new-tokens", type=int, default=32)
    parser.add_argument("--targets", type=int, default=200)
    given = parser.parse_args()
    given.work = given.work / given.name
    texts = [text.strip() for text in load_source(given.data / "sst2", split="train")["text"][:]]
    given.embedder = Remembered(load_embedder("offline"), texts)
    train, targets = split(list(dict.fromkeys(texts)), given.targets)

    def inverter() -> EmbeddingInverter:
        return EmbeddingInverter.from_backbone(
            bundled_llm(),
            embedder=given.embedder,
            tuning=given.tuning,
            num_virtual_tokens=given.num_virtual_tokens,
            max_new_tokens=given.max_new_tokens,
        )

    given.inverter = trained("inverter", given, inverter, train, given.inverter_minutes)
    n_seen = CELLS.by_key()[given.name, "inverter"]["n_rows"]
    unseen = train[n_seen:] if len(train) - n_seen >= 10 * given.batch_size else train
    given.corrector = trained(
        "corrector", given, lambda: InverterCorrector.from_inverter(given.inverter), unseen, given.corrector_minutes
    )
    compare(given, train, targets)
    write_table(given.name)


if __name__ == "__main__":
    main()
