"""Puts synthetic rows with their scores on the Hub."""

import tempfile
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from datasets import Value
from huggingface_hub import DatasetCard, DatasetCardData

from condensers.data import write_json, write_text
from condensers.errors import LeakError
from condensers.hub.folder import SCORES_FILE, write_parquet
from condensers.hub.leak_guard import about_findings
from condensers.hub.personal_data import PHONE_REGIONS, findings_in
from condensers.hub.repository import Reservation, commit_folder
from condensers.hub.reproduction import public_path
from condensers.trainers.synthetic_scores import SyntheticScores


def publish_scored(
    scores: SyntheticScores,
    place: Reservation,
    *,
    source: str,
    quality: str,
    model: str,
    licence: str | None = None,
    allow_personal_data: bool = False,
) -> str:
    """Publishes scored rows in one commit, with a card that says what the scores are and how good the checkers.

    Args:
        scores: What `score_synthetic` gave.
        place: The repository, as `reserve` found it.
        source: Where the rows come from, for the card.
        quality: What vouches for them: the small real set, or the checker.
        model: What was fitted.
        licence: Licence of the rows, as the Hub calls it.
        allow_personal_data: Publish what looks like personal data or keys.

    Returns:
        The commit.

    Raises:
        LeakError: if the rows hold personal data or keys.
        SettingError: if the Hub refuses what the card says.
        AccessError: if the Hub does not allow it.
        ConflictError: if somebody else changed the repository meanwhile.
        ServiceError: if the Hub cannot be reached or fails.
    """
    rows = scores.dataset
    if not allow_personal_data:
        _look_through(scores)
    with tempfile.TemporaryDirectory(prefix="condensers-publish-") as name:
        folder = Path(name)
        data_file = write_parquet(rows, folder)
        reports = {checker: asdict(report) for checker, report in scores.reports.items()}
        write_json(folder / SCORES_FILE, {"weights": asdict(scores.diagnostics), "checkers": reports})
        data = DatasetCardData(
            license=licence,
            tags=["condensers", "synthetic", "importance-weights"],
            configs=[{"config_name": "default", "data_files": [{"split": "train", "path": data_file}]}],
        )
        card = DatasetCard.from_template(
            data,
            template_str=(files("condensers.hub") / "templates" / "scored_card.md").read_text(encoding="utf-8"),
            repo_id=place.repo_id,
            n_rows=len(rows),
            source=public_path(source),
            quality=public_path(quality),
            model=public_path(model),
            weights=scores.diagnostics,
            reports=scores.reports,
        )
        write_text(folder / "README.md", str(card))
        return commit_folder(place, folder, message=f"{len(rows)} rows, scored", replace=place.replaced)


def _look_through(scores: SyntheticScores) -> None:
    rows = scores.dataset
    found = [
        finding
        for column, feature in rows.features.items()
        if feature == Value("string")
        for row, text in enumerate(rows[column])
        for finding in findings_in(row, column, text or "", tuple(PHONE_REGIONS))
    ]
    if found:
        raise LeakError(f"nothing was published: {about_findings(found)}")
