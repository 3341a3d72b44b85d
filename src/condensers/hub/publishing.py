"""Puts condensed rows on the Hub: looked through first, private, with a card, in one commit."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from huggingface_hub import DatasetCard, constants
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from condensers.data import read_json, str_of, write_json
from condensers.errors import LeakError, SettingError
from condensers.hub.card import dataset_card
from condensers.hub.folder import EVALUATION_FILE, RUN_FILE, load_condensed, write_rows
from condensers.hub.leak_guard import LeakReport, about_findings, check_leaks
from condensers.hub.personal_data import PHONE_REGIONS, findings_in
from condensers.hub.repository import Reservation, commit_folder, released_on_failure, reserve
from condensers.hub.reproduction import public_path
from condensers.hub.source_card import read_source_card
from condensers.methods import Condenser, RunRecord

# Examples of what was dropped may hold test rows; only how many there were is published.
_WITHHELD = ("examples",)


@dataclass(frozen=True)
class Published:
    """What was published, or with `dry_run` would be.

    Attributes:
        repo_id: ``"user/name"``.
        url: Where to look at it.
        commit: The commit; None if nothing was sent.
        private: Whether others cannot see it.
        card: The card.
        files: Path and size in bytes of each file.
        leaks: What the leak guard found.
    """

    repo_id: str
    url: str
    commit: str | None
    private: bool
    card: str
    files: Mapping[str, int]
    leaks: LeakReport


def publish(
    dataset: Dataset | str | os.PathLike[str],
    repo_id: str,
    *,
    run: RunRecord | Condenser | None = None,
    private: bool = True,
    revision: str | None = None,
    licence: str | None = None,
    language: str | Sequence[str] | None = None,
    source: Dataset | None = None,
    allow_copies: bool = False,
    allow_personal_data: bool = False,
    phone_regions: Sequence[str] = PHONE_REGIONS,
    token: str | None = None,
    reservation: Reservation | None = None,
    dry_run: bool = False,
) -> Published:
    """Publishes condensed rows on the Hub, with the card and the record of the run that made them.

    The rows are looked through first (`check_leaks`), and nothing is sent if that finds fault. All files go in one
    commit: a failure leaves a repository that was there as it was, and takes one that was made for it back. To publish
    again completes or renews what is there; what somebody else changed meanwhile is never overwritten.

    Args:
        dataset: Rows, or the folder that `save_condensed` or ``condensers condense`` wrote.
        repo_id: ``"user/name"``.
        run: What made the rows: the condenser, or its `run_`; None for a folder, which holds it.
        private: Make the repository private. One that is there keeps its visibility, and is refused if it is public.
        revision: Branch to write to, made if there is none; None is main.
        licence: Licence of the rows, as the Hub calls it (``"cc-by-4.0"``); None takes that of the source's card.
        language: ISO 639 codes of the texts; None takes those of the source's card.
        source: The source rows, if they cannot be loaded by what the record says.
        allow_copies: Publish rows that repeat source rows.
        allow_personal_data: Publish what looks like personal data or keys; the card says what it was.
        phone_regions: Countries (ISO 3166) whose national phone numbers are looked for.
        token: Hub token; None takes the one that is logged in.
        reservation: What `reserve` gave, if it was called before the rows were made.
        dry_run: Look through the rows and write the card, and send nothing.

    Raises:
        LeakError: if the rows repeat the source, or hold personal data or keys.
        SettingError: if there is no record of the run, the repository is public though `private` is True, or it holds
            what this library has not published.
        AccessError: if the Hub does not know who asks, or does not allow it.
        ConflictError: if somebody else changed the repository meanwhile.
        ServiceError: if the Hub cannot be reached or fails.

    Example::

        small = condenser.condense(train, per_class=10)
        publish(small, "me/sst2-k-center-20", run=condenser)
    """
    rows, record, evaluation = _rows_and_record(dataset, run)
    leaks = check_leaks(
        rows,
        record,
        source=source,
        allow_copies=allow_copies,
        allow_personal_data=allow_personal_data,
        phone_regions=phone_regions,
    )
    if not dry_run:
        leaks.raise_refusals()
    with tempfile.TemporaryDirectory(prefix="condensers-publish-") as name:
        folder = Path(name)

        def card(rows: Dataset, run: RunRecord, data_file: str) -> DatasetCard:
            return dataset_card(
                rows,
                run,
                data_file,
                repo_id=repo_id,
                source=read_source_card(record, token=token),
                licence=licence,
                language=language,
                leaks=leaks,
                evaluation=evaluation,
            )

        write_rows(rows, folder, _public(record), card)
        if evaluation is not None:
            write_json(folder / EVALUATION_FILE, evaluation)
        if not allow_personal_data:
            _check_texts(folder)
        text = (folder / "README.md").read_text(encoding="utf-8")
        files = {p.relative_to(folder).as_posix(): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}
        url = f"{constants.ENDPOINT}/datasets/{repo_id}"
        if dry_run:
            return Published(repo_id, url, None, private, text, files, leaks)
        place = reservation or reserve(repo_id, private=private, revision=revision, token=token)
        # What was reserved before is for whoever did so to take back.
        with nullcontext() if reservation else released_on_failure(place), _quiet():
            message = f"{len(rows)} rows by {record.method}"
            commit = commit_folder(place, folder, message=message, replace=place.replaced)
        return Published(repo_id, url, commit, place.private, text, files, leaks)


def _rows_and_record(
    dataset: Dataset | str | os.PathLike[str], run: RunRecord | Condenser | None
) -> tuple[Dataset, RunRecord, Mapping[str, Any] | None]:
    if isinstance(dataset, Dataset):
        if run is None:
            raise SettingError(
                "rows are published with the record of the run that made them: pass `run=condenser` (or its `run_`), "
                "or the folder that `save_condensed` or `condensers condense` wrote."
            )
        return dataset, run.run_ if isinstance(run, Condenser) else run, None
    if run is not None:
        raise SettingError(f"the folder {str_of(dataset)!r} holds the record of its run; leave `run` out.")
    rows, record = load_condensed(dataset)
    measured = Path(dataset) / EVALUATION_FILE
    evaluation = read_json(measured, what="evaluation") if measured.is_file() else None
    return rows, record, evaluation and {**evaluation, "against": public_path(evaluation["against"])}


def _public(run: RunRecord) -> RunRecord:
    """The record without examples of what was dropped, and without places on somebody's disk."""
    known = RunRecord(**_without_paths(run.to_json()))
    generation = known.generation and {k: v for k, v in known.generation.items() if k not in _WITHHELD}
    return replace(known, generation=generation)


def _without_paths(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    if isinstance(value, Mapping):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_paths(part) for part in value]
    return public_path(value) if isinstance(value, str) and value.startswith(("/", "~", "./", "../")) else value


def _check_texts(folder: Path) -> None:
    """Looks through the card and the record, too: a setting may hold an address with a password in it.

    Phone numbers count only with a plus: times and digests are full of digits.

    Raises:
        LeakError: if they hold personal data or keys.
    """
    names = ("README.md", RUN_FILE)
    found = [f for name in names for f in findings_in(None, name, (folder / name).read_text("utf-8"), ())]
    if found:
        raise LeakError(f"nothing was published: {about_findings(found)}")


@contextmanager
def _quiet() -> Iterator[None]:
    """A few files need no bar for each."""
    quiet = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not quiet:
            enable_progress_bars()
