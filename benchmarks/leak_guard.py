"""How much of what is planted the leak guard finds, and how often it takes innocent text for a leak.

    pip install -e '.[offline]'
    python benchmarks/leak_guard.py --data FOLDER    # a folder of datasets, each a folder of Parquet files

Planted are 100 each of email addresses and phone numbers in several ways of writing, keys of several makers,
passwords, and copies of rows of the sample dataset, edited more and more. Every planted text stands in the middle of a
message of that dataset. The tables go to `benchmarks/results/leak_guard.md`.
"""

import argparse
import base64
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import phonenumbers
from datasets import Dataset

from condensers import sample_dataset
from condensers.hub.copies import find_copies
from condensers.hub.leak_guard import texts_in
from condensers.hub.personal_data import find_personal_data

TABLE = Path(__file__).parent / "results" / "leak_guard.md"
N = 100
_LETTERS, _DIGITS = list(string.ascii_letters), list(string.digits)
_NAMES = "ana bo carla dev emil fatima gus hana ivo jane karl lea milan nora omar pia".split()
_DOMAINS = "example.com post.example.org mail.example.co.uk uni-beispiel.de exemple.fr".split()


def _of(rng: np.random.Generator, letters: list[str], n: int) -> str:
    return "".join(rng.choice(letters, size=n))


def _email(rng: np.random.Generator) -> str:
    first, last = rng.choice(_NAMES, size=2)
    joined = rng.choice([".", "_", "", "-"])
    return f"{first}{joined}{last}{rng.choice(['', '7', '1984'])}@{rng.choice(_DOMAINS)}"


def _spelled_out(rng: np.random.Generator) -> str:
    return _email(rng).replace("@", str(rng.choice([" [at] ", " (at) ", "[at]"])))


def _number(region: str, style: str) -> Callable[[np.random.Generator], str]:
    """Numbers that the country's plan knows, in one way of writing them."""
    known = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)

    def write(rng: np.random.Generator) -> str:
        while True:
            tail = int(_of(rng, _DIGITS, 6))
            number = phonenumbers.PhoneNumber(known.country_code, known.national_number // 10**6 * 10**6 + tail)
            if phonenumbers.is_valid_number_for_region(number, region):
                break
        national = str(number.national_number)
        formats = phonenumbers.PhoneNumberFormat
        if style == "international":
            return phonenumbers.format_number(number, formats.INTERNATIONAL)
        if style == "E.164":
            return phonenumbers.format_number(number, formats.E164)
        if style == "national":
            return phonenumbers.format_number(number, formats.NATIONAL)
        if style == "dots":
            return f"{national[:3]}.{national[3:6]}.{national[6:]}"
        if style == "dashes":
            return f"{national[:3]}-{national[3:6]}-{national[6:]}"
        return ("call me on " if style == "undivided, said to be one" else "") + national

    return write


def _key(prefix: str, n: int, letters: list[str] | None = None) -> Callable[[np.random.Generator], str]:
    return lambda rng: prefix + _of(rng, letters or _LETTERS + _DIGITS, n)


def _token(rng: np.random.Generator) -> str:
    parts = ['{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{_of(rng, _DIGITS, 10)}"}}']
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, _of(rng, _LETTERS + _DIGITS, 43)])


def _password(said: str) -> Callable[[np.random.Generator], str]:
    return lambda rng: said.format(_of(rng, _LETTERS, 6) + _of(rng, _DIGITS, 3))


UPPER, LOWER_HEX = list(string.ascii_uppercase) + _DIGITS, list("0123456789abcdef")
PLANTED: dict[str, Callable[[np.random.Generator], str]] = {
    "email address": _email,
    "email address, @ spelled out": _spelled_out,
    "phone number, US, international": _number("US", "international"),
    "phone number, US, (201) 555-0123": _number("US", "national"),
    "phone number, US, dashes": _number("US", "dashes"),
    "phone number, US, dots": _number("US", "dots"),
    "phone number, US, undivided, said to be one": _number("US", "undivided, said to be one"),
    "phone number, US, undivided": _number("US", "undivided"),
    "phone number, GB, international": _number("GB", "international"),
    "phone number, GB, national": _number("GB", "national"),
    "phone number, DE, E.164": _number("DE", "E.164"),
    "phone number, DE, national": _number("DE", "national"),
    "phone number, FR, international": _number("FR", "international"),
    "phone number, IN, international": _number("IN", "international"),
    "AWS access key": _key("AKIA", 16, UPPER),
    "GitHub token": _key("ghp_", 36),
    "GitLab token": _key("glpat-", 20),
    "Google key": _key("AIza", 35),
    "Hugging Face token": _key("hf_", 34),
    "OpenAI key": _key("sk-proj-", 48),
    "Anthropic key": _key("sk-ant-api03-", 80),
    "Slack token": lambda rng: f"xoxb-{_of(rng, _DIGITS, 12)}-{_of(rng, _DIGITS, 12)}-{_of(rng, _LETTERS, 24)}",
    "Stripe key": _key("sk_live_", 24),
    "Twilio key": _key("SK", 32, LOWER_HEX),
    "SendGrid key": lambda rng: f"SG.{_of(rng, _LETTERS, 22)}.{_of(rng, _LETTERS, 43)}",
    "JSON web token": _token,
    "private key": lambda rng: f"-----BEGIN RSA PRIVATE KEY----- {_of(rng, _LETTERS, 64)}",
    "password in an address": lambda rng: (
        f"https://{rng.choice(_NAMES)}:{_of(rng, _LETTERS + _DIGITS, 10)}@db.local/x"
    ),
    "password = '...'": _password("password = '{}'"),
    "my password is ...": _password("my password is {}"),
    "a bare word of letters and digits": _password("{}"),
}


def plant(wording: Callable[[np.random.Generator], str], n: int = N, seed: int = 0) -> list[str]:
    """Messages with one planted text each, between two words."""
    rng = np.random.default_rng(seed)
    messages = sample_dataset("shop_messages")["train"]["text"][:]
    found = []
    for i in rng.choice(len(messages), size=n, replace=False).tolist():
        words = messages[i].split()
        place = int(rng.integers(1, len(words)))
        found.append(" ".join([*words[:place], wording(rng), *words[place:]]))
    return found


def found_rate(name: str, n: int = N) -> float:
    """Share of the messages with one planted text in which something is found, in [0, 1]."""
    return sum(any(True for _ in find_personal_data(text)) for text in plant(PLANTED[name], n)) / n


EDITS = {
    "verbatim": 0.0,
    "other case and spaces": 0.0,
    "one word in 20 changed": 0.05,
    "one word in 10 changed": 0.1,
    "one word in 5 changed": 0.2,
    "one word in 3 changed": 1 / 3,
    "another row": 1.0,
}


def edited(name: str, n: int = N, seed: int = 0) -> tuple[list[str], list[str]]:
    """Rows made of source rows by an edit, and the source rows; of another row, source rows without it."""
    rng = np.random.default_rng(seed)
    source = sample_dataset("shop_messages")["train"]["text"][:]
    drawn = rng.choice(len(source), size=n, replace=False).tolist()
    vocabulary = sorted({word for text in source for word in text.split()})
    if name == "another row":
        return [source[i] for i in drawn], [text for i, text in enumerate(source) if i not in set(drawn)]
    rows = []
    for i in drawn:
        words = source[i].split()
        places = rng.choice(len(words), size=max(round(EDITS[name] * len(words)), int(EDITS[name] > 0)), replace=False)
        for place in places.tolist():
            words[place] = str(rng.choice(vocabulary))
        text = " ".join(words)
        rows.append(text.upper().replace(" ", "  ") if name.startswith("other") else text)
    return rows, source


def copied_rate(name: str, n: int = N) -> tuple[float, float]:
    """Shares of the rows that are found to be copies, and to have 13 words in a row in common with a source row."""
    found = find_copies(*edited(name, n))
    return found.share, len(found.passages) / n


def false_alarms(folder: Path, limit: int | None = None) -> Iterator[tuple[str, int, Counter[str], list[str], float]]:
    """For each dataset: rows, finds of each kind, the finds, and seconds."""
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        parts = [Dataset.from_parquet(str(path)) for path in sorted(place.glob("*.parquet"))]
        began, n, kinds, wordings = time.perf_counter(), 0, Counter[str](), []
        for part in parts:
            for row in part.select(range(min(len(part), limit or len(part)))):
                n += 1
                for text in texts_in(row):
                    finds = list(find_personal_data(text))
                    kinds.update(kind for kind, _ in finds)
                    wordings += [wording for _, wording in finds]
        yield place.name, n, kinds, wordings, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of datasets")
    parser.add_argument("--show", action="store_true", help="print what was found in the datasets, for a look at each")
    args = parser.parse_args()
    lines = ["# The leak guard", "", f"Of {N} planted each, in messages of the sample dataset:", ""]
    lines += ["| planted | found, % |", "|---|---|"]
    lines += [f"| {name} | {100 * found_rate(name):.0f} |" for name in PLANTED]
    lines += ["", f"Of {N} rows made of rows of the sample dataset (680):", ""]
    lines += ["| edit | copy, % | 13 words in common, % |", "|---|---|---|"]
    for name in EDITS:
        copied, passage = copied_rate(name)
        lines.append(f"| {name} | {100 * copied:.0f} | {100 * passage:.0f} |")
    if args.data:
        lines += [
            "",
            "In real datasets, all splits:",
            "",
            "| dataset | rows | found | ms a row |",
            "|---|---|---|---|",
        ]
        for name, n, kinds, wordings, seconds in false_alarms(args.data):
            shown = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "nothing"
            lines.append(f"| {name} | {n:,} | {shown} | {1000 * seconds / n:.2f} |")
            if args.show:
                print(name, *wordings, sep="\n  ")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
