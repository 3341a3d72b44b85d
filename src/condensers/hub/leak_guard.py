"""Looks at rows before they are published: do they repeat the source, do they hold what is nobody's business?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from datasets import Dataset

from condensers.data import SEPARATOR, Columns, read_rows
from condensers.errors import LeakError, SettingError, SourceNotFoundError
from condensers.hub.copies import Copies, find_copies
from condensers.hub.personal_data import PHONE_REGIONS, Finding, findings_in
from condensers.methods import PROVENANCE, REWARD_PROVENANCE, RunRecord
from condensers.methods.source import SourceReference

MAX_COPIED = 0.05
"""Share of the rows that may repeat a source row before publishing is refused."""

_SHOWN = 10


@dataclass(frozen=True)
class LeakReport:
    """What the leak guard found.

    Attributes:
        n_rows: Rows that were looked at.
        copies: Rows that repeat source rows; None where they were not compared.
        not_compared: Why they were not; None where they were.
        findings: What identifies people or opens doors, masked.
        refusals: Why the rows should not be published, each with its remedy; empty if nothing speaks against it.
    """

    n_rows: int
    copies: Copies | None
    not_compared: str | None
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...] = field(default=())

    @property
    def kinds(self) -> dict[str, int]:
        """How many finds there are of each kind."""
        return dict(Counter(finding.kind for finding in self.findings).most_common())

    def raise_refusals(self) -> None:
        """Raises if the rows should not be published.

        Raises:
            LeakError: with each reason and the first finds, masked.
        """
        if self.refusals:
            raise LeakError("nothing was published: " + " ".join(self.refusals))


def check_leaks(
    rows: Dataset,
    run: RunRecord,
    *,
    source: Dataset | None = None,
    allow_copies: bool = False,
    allow_personal_data: bool = False,
    max_copied: float = MAX_COPIED,
    phone_regions: Sequence[str] = PHONE_REGIONS,
) -> LeakReport:
    """Looks for copies of source rows, and for email addresses, phone numbers and keys in every text of every column.

    Rows that a method keeps are source rows by design, and are not compared; nor are those of a run that promises
    privacy, since to compare them would tell something of the private rows. The card says so in either case.

    Args:
        rows: What is to be published.
        run: What made it.
        source: The source rows; None loads what the record names.
        allow_copies: Do not refuse rows that repeat source rows, and do not insist on a comparison.
        allow_personal_data: Do not refuse what identifies people or opens doors.
        max_copied: Share of the rows that may repeat a source row, in [0, 1].
        phone_regions: See `find_personal_data`.

    Returns:
        The report; `LeakReport.raise_refusals` raises what it refuses.

    Raises:
        SettingError: if the rows cannot be compared, since the source is not at hand.
        RowError, ColumnError: if a side cannot be read.
    """
    findings = tuple(_look_through(rows, phone_regions))
    copies, not_compared = _compare(rows, run, source, allow_copies)
    refusals = []
    if copies is not None and copies.share > max_copied and not allow_copies:
        refusals.append(_about_copies(copies, max_copied))
    if findings and not allow_personal_data:
        refusals.append(about_findings(findings))
    return LeakReport(len(rows), copies, not_compared, findings, tuple(refusals))


def _look_through(rows: Dataset, phone_regions: Sequence[str]) -> Iterator[Finding]:
    provenance = {*PROVENANCE, *REWARD_PROVENANCE}
    for column in rows.column_names:
        if column in provenance:
            continue
        for i, value in enumerate(rows.with_format(None)[column]):
            for text in texts_in(value):
                yield from findings_in(i, column, text, phone_regions)


def texts_in(value: object) -> Iterator[str]:
    """Yields every text in the value of a column, however deep in lists and records."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from texts_in(part)


def _compare(
    rows: Dataset, run: RunRecord, source: Dataset | None, allow_copies: bool
) -> tuple[Copies | None, str | None]:
    if run.keeps_rows:
        return None, "the method keeps source rows as they are"
    if run.privacy and run.privacy["withheld"]:
        return None, "to compare them would tell something of the private rows"
    try:
        known = source if source is not None else SourceReference.recorded(run.source).load()
    except SourceNotFoundError as error:
        if allow_copies:
            return None, "the source was not at hand"
        raise SettingError(
            f"whether the rows repeat source rows cannot be told, since the source is not at hand ({error}). Pass "
            f"`source=` (`--source`), or `allow_copies=True` (`--allow-copies`) to publish them unseen."
        ) from error
    text = tuple(run.settings["text"])
    separator = run.settings.get("separator", SEPARATOR)
    written = tuple(name for name in text if name in rows.column_names) or _written_columns(rows)
    ours, theirs = _texts_of(rows, written, separator), _texts_of(known, text, separator)
    return find_copies(ours, theirs), None


def _written_columns(rows: Dataset) -> tuple[str, ...]:
    # What generating methods write in the columns of TRL.
    if "prompt" not in rows.column_names:
        raise SettingError(
            f"none of the columns {', '.join(rows.column_names)} is a text column of the run; publish the rows with "
            f"the record of the run that made them."
        )
    return ("prompt",)


def _texts_of(dataset: Dataset, text: tuple[str, ...], separator: str) -> list[str]:
    return read_rows(dataset, Columns(text, None, separator), drop_empty=True).texts


def _about_copies(copies: Copies, allowed: float) -> str:
    first = [f"{c.row} ({c.similarity:.2f} of source row {c.source_row})" for c in (*copies.verbatim, *copies.near)]
    return (
        f"{len(copies.verbatim)} of {copies.n_rows} rows repeat a source row word for word and {len(copies.near)} "
        f"nearly so, more than {100 * allowed:g} % of them: rows {_some(first)}. Leave them out, or if that is "
        f"meant, pass `allow_copies=True` (`--allow-copies`)."
    )


def about_findings(findings: Sequence[Finding]) -> str:
    """What was found, masked, and what to do."""
    return (
        f"{len(findings)} place(s) look like personal data or keys: {_some([str(f) for f in findings], '; ')}. Remove "
        f"them, or after a look at each pass `allow_personal_data=True` (`--allow-personal-data`)."
    )


def _some(items: Sequence[str], mark: str = ", ") -> str:
    more = f"{mark}and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return mark.join(items[:_SHOWN]) + more
