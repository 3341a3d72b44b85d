"""``condensers push``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from condensers.cli import options
from condensers.cli.screen import note, print_json
from condensers.cli.settings import split_names

if TYPE_CHECKING:
    from condensers.hub import Published


def push(
    rows: Annotated[Path, typer.Argument(help="Folder that `condensers condense` wrote.", show_default=False)],
    repo_id: Annotated[str, typer.Argument(help="Dataset repository: user/name.", show_default=False)],
    public: options.Public = False,
    branch: options.Branch = None,
    licence: options.Licence = None,
    language: options.Language = None,
    source: Annotated[
        str | None,
        typer.Option(help="The source rows, if they are not where they were: Hub id, folder or file."),
    ] = None,
    allow_copies: options.AllowCopies = False,
    allow_personal_data: options.AllowPersonalData = False,
    phone_regions: options.PhoneRegions = "US,GB",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the card and the files, and send nothing.")] = False,
    json: options.Json = False,
) -> None:
    """Publish condensed rows on the Hub, with a card written from their run.

    Log in first, with `hf auth login` or a token in HF_TOKEN. The rows are looked through before anything is sent:
    rows that repeat the source, email addresses, phone numbers, keys and passwords stop it. The repository is private
    unless --public is given. All files go in one commit, so nothing is ever half there; what somebody else changed
    meanwhile is not overwritten. The report is not published, since it shows source rows. What `condensers evaluate`
    measured stands on the card.

    Example: condensers push runs/sst2 me/sst2-k-center-20 --dry-run

    Then without --dry-run; and from Python, publish(rows, "me/sst2-k-center-20", run=condenser).
    """
    from condensers.data import load_source
    from condensers.hub import load_condensed, publish

    known = None if source is None else load_source(source, split=load_condensed(rows)[1].source.get("split"))
    done = publish(
        rows,
        repo_id,
        private=not public,
        revision=branch,
        licence=licence,
        language=None if language is None else split_names(language, "--language"),
        source=known,
        allow_copies=allow_copies,
        allow_personal_data=allow_personal_data,
        phone_regions=split_names(phone_regions, "--phone-regions"),
        dry_run=dry_run,
    )
    if json:
        found = {"repo_id": done.repo_id, "url": done.url, "commit": done.commit, "private": done.private}
        print_json({**found, "files": dict(done.files), "refusals": list(done.leaks.refusals), "card": done.card})
    elif dry_run:
        typer.echo(done.card)
        for line in _plan(done):
            note(line)
    else:
        note(published(done))


def published(done: "Published") -> str:
    """Where rows were published, in a line for people."""
    return f"Published at {done.url} ({'private' if done.private else 'public'}), commit {(done.commit or '')[:8]}."


def _plan(done: "Published") -> list[str]:
    size = sum(done.files.values())
    lines = [f"{path}, {n:,} bytes" for path, n in done.files.items()]
    lines.append(
        f"{len(done.files)} files, {size:,} bytes, would go to {done.url} ({'private' if done.private else 'public'})."
    )
    if done.leaks.refusals:
        lines.append("That would be refused: " + " ".join(done.leaks.refusals))
    return [*lines, "Nothing was sent."]
