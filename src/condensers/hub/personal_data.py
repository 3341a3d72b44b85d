"""Finds what identifies people or opens doors in texts: email addresses, phone numbers, keys, tokens and passwords."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

PHONE_REGIONS = ("US", "GB")
"""Countries whose numbers are known without the +: with these no number of the datasets measured is a false alarm."""

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w][\w.+%'-]*(?:@|\s?[\[({]\s?at\s?[\])}]\s?)(?:[\w-]+(?:\.|\s?[\[({]\s?dot\s?[\])}]\s?))+[^\W\d_]{2,}\b",
    re.IGNORECASE,
)
# Seven digits, with no more between two than a number is written with: what is worth a closer look.
_MAYBE_PHONE = re.compile(r"(?:\d[\s().\-/+]{0,3}){7}")
# Ten digits without a gap are a power of two as often as a phone number, unless the words before say what they are.
_UNDIVIDED = re.compile(r"\d+")
_SAID_TO_BE = re.compile(r"\b(?:call|phone|tel|telephone|mobile|cell|fax|text|ring|sms|whatsapp)\b", re.IGNORECASE)
_WORDS_BEFORE = 40

# Plugins of detect_secrets, each for the keys of one maker. Those that go by entropy or by variable names are left
# out: they take prose and code for keys.
_PLUGINS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "twilio": "TwilioKeyDetector",
}
# Makers that they do not know, by what the makers' own documentation says of their keys.
_KEYS = {
    "Anthropic key": re.compile(r"\bsk-ant-[\w-]{20,}"),
    "GitHub token": re.compile(r"\bgithub_pat_\w{22,}"),
    "GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "Google key": re.compile(r"\bAIza[\w-]{35}"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "OpenAI key": re.compile(r"\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}"),
    "PyPI token": re.compile(r"\bpypi-[\w-]{50,}"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "Telegram token": re.compile(r"\b\d{8,10}:AA[\w-]{33}\b"),
}
# "the password is Tr0ub4dor", `pwd = "Tr0ub4dor"`: a word after one of these that holds a letter and a digit.
_PASSWORD = re.compile(
    r"\b(?:password|passwd|passphrase|passcode|pwd)\b[\"']?(?:\s+(?:is|was|to)\b|\s*[:=])\s*[\"'`]?"
    r"(?=[^\s\"'`]*[A-Za-z])(?=[^\s\"'`]*\d)([^\s\"'`]{6,})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """Something that should not be published.

    Attributes:
        row: Position of the row; None in a file that goes with the rows.
        column: Its column, or the name of the file.
        kind: What it seems to be: ``"email address"``, ``"phone number"``, ``"OpenAI key"``, ...
        masked: Its first character and its length; never more of it.
    """

    row: int | None
    column: str
    kind: str
    masked: str

    def __str__(self) -> str:
        place = self.column if self.row is None else f"row {self.row}, column {self.column!r}"
        return f"{place}: {self.kind} {self.masked}"


def find_personal_data(text: str, *, phone_regions: Sequence[str] = PHONE_REGIONS) -> Iterator[tuple[str, str]]:
    """Yields kind and exact wording of each find, which must not be shown to anybody; see `findings_in`.

    Phone numbers go by Google's libphonenumber with strict grouping, so that plain arithmetic is none; keys by the
    detectors of detect_secrets, of which none asks a maker's server whether a key is alive.

    Args:
        text: What to look through.
        phone_regions: Countries (ISO 3166) whose national way of writing phone numbers counts; with a plus and a
            country code they are found whatever the country.
    """
    for found in _EMAIL.finditer(text):
        yield "email address", found[0]
    if _MAYBE_PHONE.search(text):
        yield from (("phone number", number) for number in _phone_numbers(text, tuple(phone_regions)))
    yield from _keys(text)


def findings_in(row: int | None, column: str, text: str, phone_regions: Sequence[str]) -> list[Finding]:
    """What is found in one text, masked."""
    found = find_personal_data(text, phone_regions=phone_regions)
    return [Finding(row, column, kind, f"{wording[0]}... ({len(wording)} characters)") for kind, wording in found]


def _phone_numbers(text: str, regions: tuple[str, ...]) -> list[str]:
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415  (takes its time to import)

    found: dict[int, str] = {}
    for region in regions or (None,):
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING):
            before = text[max(match.start - _WORDS_BEFORE, 0) : match.start]
            if not _UNDIVIDED.fullmatch(match.raw_string) or _SAID_TO_BE.search(before):
                found.setdefault(match.start, match.raw_string)
    return list(found.values())


def _keys(text: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    candidates = [(kind, found[0]) for kind, pattern in _KEYS.items() for found in pattern.finditer(text)]
    for plugin in _plugins():
        # Some give a part of what they matched; an empty one still says that there is something.
        candidates += [(_kind(plugin), wording or plugin.secret_type) for wording in plugin.analyze_string(text)]
    candidates += [("password", found[1]) for found in _PASSWORD.finditer(text)]
    for kind, wording in candidates:
        if not any(wording in earlier for earlier in seen):
            seen.add(wording)
            yield kind, wording


def _kind(plugin: "BasePlugin") -> str:
    name = str(plugin.secret_type)
    return name[:1] + name[1:].replace("Credentials", "credentials").replace("Access Key", "access key")


@cache
def _plugins() -> "tuple[BasePlugin, ...]":
    return tuple(
        getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _PLUGINS.items()
    )
