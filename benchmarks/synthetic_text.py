"""The loop closed: a language model writes training rows, and IMP-Loss and DIMP-Loss weight them (Section 5.1).

    python benchmarks/synthetic_text.py write --data ../shared/data                                # SmolLM2, two cores
    python benchmarks/synthetic_text.py write --data ../shared/data --llm Qwen/Qwen3-8B@http://localhost:8000/v1
    python benchmarks/synthetic_text.py train --data ../shared/data --encoder frozen --seeds 10    # minutes on a CPU
    python benchmarks/synthetic_text.py train --data ../shared/data --rows 600 --epochs 3 --learning-rates 2e-4

`write` asks with the prompts of Table 6: a label, a length, and a few examples of the label out of the small real set.
Labels and lengths follow that set. Each prompt is asked `--per-prompt` times. Empty replies, repeats and copies of the
examples are thrown away and counted; everything else is kept, with the label that was asked for. The rows lie in
`--work`, the replies in the cache, so a stopped run goes on.

`train` trains on these rows; `real` is cross-entropy on all real training rows, `quality_checker` and `probe` have
seen the small real set alone. What is trained, and how it is tuned: `weighted_training.py`.

How good the labels are is estimated by a classifier that never meets the models trained here: logistic regression on
MiniLM's embeddings of all real training rows. The tables go to `benchmarks/results/synthetic_text.md` and
`synthetic_text_frozen.md`.
"""

import argparse
import platform
import statistics
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
from cells import Cells
from datasets import Dataset
from tqdm.auto import tqdm
from weighted_training import CHECKERS, KEY, Splits, parsed, picked, probe, read, run, spread, training_parser, vectors

from condensers.data import read_json, write_json
from condensers.llm import CachedLLM, Completion, Desk, Events, Prompt, Question, SamplingSettings, Unusable, load_llm
from condensers.llm.text_reply import single_of

CELLS = Cells(Path(__file__).parent / "results" / "synthetic_text.jsonl", KEY)
TABLES = {"fine_tuned": CELLS.path.with_suffix(".md"), "frozen": CELLS.path.with_name("synthetic_text_frozen.md")}
PROMPTS = {"financial_phrasebank": "imp_loss/financial", "tweet_irony": "imp_loss/tweet_irony"}
DATASETS = ",".join(PROMPTS)
METHODS = "quality_checker,probe,ce,focal,imp,dimp,imp_probe,dimp_probe,real"
# How a person would say the labels.
LABELS = {"non_irony": "not ironic", "irony": "ironic"}
N_EXAMPLES = 4


class Writing:
    """Rows that a language model writes after the rows of a small real set."""

    def __init__(self, arguments: argparse.Namespace, name: str) -> None:
        self.arguments = arguments
        self.dev = read(arguments.data / name)[1]
        self.names = self.dev.features["label"].names
        self.prompt = Prompt.load(PROMPTS[name])
        self.known = set(self.dev["text"][:])
        self.thrown: Counter[str] = Counter()
        self.rows: list[dict] = []
        self._rng = np.random.default_rng(0)

    def questions(self, n_prompts: int) -> list[tuple[int, Question[str]]]:
        """Labels, and what is asked for them."""
        labels, texts = np.asarray(self.dev["label"][:]), self.dev["text"][:]
        asked = []
        for _ in range(n_prompts):
            code = int(self._rng.choice(labels))
            of_label = np.flatnonzero(labels == code)
            shown = [texts[i] for i in self._rng.choice(of_label, N_EXAMPLES, replace=False)]
            n_words = len(texts[int(self._rng.choice(of_label))].split())
            label = LABELS.get(self.names[code], self.names[code])
            chat = self.prompt.messages(label=label, n_words=n_words, examples=shown)
            room = 16 + 2 * n_words
            questions = [
                # A reply that runs over its room is a row cut short: as such it is worth training on, or not.
                Question(chat, i, self._read, max_tokens=room, reads_truncated=True)
                for i in range(self.arguments.per_prompt)
            ]
            asked += [(code, question) for question in questions]
        return asked

    def keep(self, code: int, text: str | None) -> None:
        """Keeps a text, unless there is none or it is there already."""
        if text is None:
            self.thrown["empty"] += 1
        elif text in self.known:
            self.thrown["repeated or copied"] += 1
        else:
            self.known.add(text)
            self.rows.append({"text": text, "label": code, "label_text": self.names[code]})

    def _read(self, completion: Completion) -> str:
        text = single_of(completion.text)
        if not text:
            raise Unusable("empty", "it holds no text")
        return text


def write(arguments: argparse.Namespace) -> None:
    """Writes rows for each dataset, unless they are there."""
    sampling = SamplingSettings(temperature=arguments.temperature, top_p=0.95)
    options = {} if "@" in arguments.llm else {"batch_size": arguments.batch_size}
    for name in arguments.datasets.split(","):
        path = arguments.work / f"{name}.json"
        if path.is_file():
            continue
        llm = CachedLLM(load_llm(arguments.llm, sampling=sampling, **options), keep_problems=True)
        desk = Desk(llm, Events(), n_samples=arguments.per_prompt, second_chances=False)
        writing = Writing(arguments, name)
        with tqdm(total=arguments.n_rows, desc=name, unit="row") as bar:
            while len(writing.rows) < arguments.n_rows:
                asked = writing.questions(arguments.batch_size)
                for (code, _), answer in zip(asked, desk.ask([question for _, question in asked]), strict=True):
                    writing.keep(code, answer.value)
                bar.update(len(writing.rows) - bar.n)
        found = {"llm": llm.name, "temperature": arguments.temperature, "n_requests": llm.usage.n_requests}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**found, "thrown": dict(writing.thrown), "rows": writing.rows[: arguments.n_rows]})


@cache
def written(data: Path, work: Path, name: str) -> tuple[Dataset, dict]:
    """What `write` wrote, and what is known of it."""
    document = read_json(work / f"{name}.json", what="written rows")
    real = read(data / name)[0]
    rows = Dataset.from_list(document.pop("rows")).cast_column("label", real.features["label"])
    labels = np.asarray(rows["label"][:])
    found = probe(real).predict(vectors(rows))
    facts = {
        "n_rows": len(rows),
        "agreement": float((found == labels).mean()),
        "distinct_2": distinct_bigrams(rows["text"][:]),
        "distinct_2_real": distinct_bigrams(real["text"][: len(rows)]),
        "examples": [[row["label_text"], row["text"]] for row in rows.shuffle(seed=0).select(range(6))],
    }
    return rows, document | facts


def distinct_bigrams(texts: list[str]) -> float:
    """Share of the word pairs that are different ones."""
    pairs = [
        pair for words in (text.lower().split() for text in texts) for pair in zip(words, words[1:], strict=False)
    ]
    return len(set(pairs)) / len(pairs)


def train(arguments: argparse.Namespace) -> None:
    """Trains the missing cells and writes the table."""
    read_once = cache(read)

    def splits_of(dataset: str, method: str) -> Splits:
        real, dev, test = read_once(arguments.data / dataset)
        rows = real if method == "real" else written(arguments.data, arguments.work, dataset)[0]
        return rows, dev, test

    def cut(rows: Dataset, seed: int) -> Dataset:
        return rows.select(np.random.default_rng(seed).permutation(len(rows))[: arguments.rows])

    if not arguments.table_only:
        run(arguments, CELLS, splits_of, cut)
    path = TABLES[arguments.encoder]
    path.write_text(table(arguments), encoding="utf-8")
    print(f"wrote {path}")


def table(arguments: argparse.Namespace) -> str:
    cells = CELLS.by_key()
    chosen: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for dataset in arguments.datasets:
        for method in arguments.methods:
            rate = picked(cells, arguments, dataset, method)
            wanted = (arguments.encoder, dataset, arguments.rows, arguments.epochs, arguments.max_length, method, rate)
            chosen[dataset, method] = [cell for key, cell in cells.items() if key[:-1] == wanted]
    trained = (
        f"fine-tuned on at most {arguments.max_length} tokens a row"
        if arguments.encoder == "fine_tuned"
        else "frozen, with a trained head of 256 hidden units"
    )
    rates = ", ".join(f"{rate:g}" for rate in arguments.learning_rates)
    lines = [
        "# Training on what a small language model wrote: IMP-Loss and DIMP-Loss against the baselines",
        "",
        f"Percent on the test split, mean ± standard deviation over seeds (n). Encoder: all-MiniLM-L6-v2, {trained}, "
        f"for {arguments.epochs:g} epochs in batches of {arguments.batch_size}; learning rate of each method picked "
        f"from {rates} by accuracy on the small real set over {arguments.tuning_seeds} seed(s), as is the epoch. "
        f"Checkers: {arguments.checker_epochs:g} epochs at {arguments.checker_learning_rate:g}. `real` is trained on "
        f"all real rows. Measured on {platform.machine()}.",
        "",
        "| dataset | written by | rows | thrown away | agree with a classifier of all real rows, % | distinct word "
        "pairs, % | of as many real rows |",
        "|---|---|---|---|---|---|---|",
    ]
    for dataset in arguments.datasets:
        facts = written(arguments.data, arguments.work, dataset)[1]
        thrown = ", ".join(f"{n} {what}" for what, n in facts["thrown"].items()) or "none"
        lines.append(
            f"| {dataset} | {facts['llm']}, temperature {facts['temperature']} | {facts['n_rows']} | {thrown} | "
            f"{100 * facts['agreement']:.1f} | {100 * facts['distinct_2']:.1f} | "
            f"{100 * facts['distinct_2_real']:.1f} |"
        )
    lines += ["", "| dataset | method | rows | learning rate | accuracy | macro F1 | accuracy on the small real set |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for (dataset, method), found in chosen.items():
        if found:
            dev = "" if method in CHECKERS else spread([cell["dev_accuracy"] for cell in found])
            seen = "n_dev" if method in CHECKERS else "n_train"
            lines.append(
                f"| {dataset} | {method} | {round(statistics.mean(cell[seen] for cell in found))} | "
                f"{found[0]['learning_rate']:g} | {spread([cell['accuracy'] for cell in found])} | "
                f"{spread([cell['macro_f1'] for cell in found])} | {dev} |"
            )
    lines += [
        "",
        "Some of the rows, as they were written:",
        "",
        "| dataset | label asked for | text |",
        "|---|---|---|",
    ]
    for dataset in arguments.datasets:
        for label, text in written(arguments.data, arguments.work, dataset)[1]["examples"]:
            lines.append(f"| {dataset} | {label} | {text.replace('|', ' ')} |")
    return "\n".join([*lines, ""])


def main() -> None:
    whole = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = whole.add_subparsers(dest="job", required=True)
    writer = jobs.add_parser("write", help="have a language model write rows")
    writer.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    writer.add_argument("--datasets", default=DATASETS)
    writer.add_argument("--llm", default="offline")
    writer.add_argument("--n-rows", type=int, default=1500)
    writer.add_argument("--per-prompt", type=int, default=8, help="replies to each prompt")
    writer.add_argument("--temperature", type=float, default=0.9)
    writer.add_argument("--batch-size", type=int, default=32, help="replies at once, of a model in this process")
    trainer = jobs.add_parser("train", parents=[training_parser(datasets=DATASETS, methods=METHODS)], add_help=False)
    for parser in (writer, trainer):
        parser.add_argument("--work", type=Path, default=Path("runs/synthetic_text"), help="where the rows lie")
    arguments = whole.parse_args()
    if arguments.job == "write":
        write(arguments)
    else:
        train(parsed(arguments, group_column=None))


if __name__ == "__main__":
    main()
