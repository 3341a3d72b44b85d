"""Uploading what `save_pretrained` writes, with respect for the card that is there."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

from condensers.sharing.model_card import CARD_NAME


def push_saved(
    save: Callable[[Path], Any],
    repo_id: str,
    *,
    private: bool | None = True,
    token: str | bool | None = None,
    revision: str | None = None,
    create_pr: bool | None = None,
    commit_message: str = "Upload model with condensers",
    commit_description: str | None = None,
    **patterns: Any,  # noqa: ANN401  (those of `HfApi.upload_folder`)
) -> str:
    """Uploads a model in one commit.

    The card of the repository lies in the folder when `save` writes into it, so one that somebody edited stays.

    Args:
        save: Writes the model into an empty folder.
        repo_id: Where to, ``user/name``; it is made if it is not there.
        private: Whether a repository that is made is private; None leaves it to the Hub.
        token: Hub token; None takes the one that is logged in.
        revision: The branch, made if it is not there.
        create_pr: Open a pull request instead.
        commit_message: First line of the commit.
        commit_description: What else it says.
        **patterns: Which files to upload or delete; those of `HfApi.upload_folder`.

    Returns:
        Address of the commit.

    Raises:
        HfHubHTTPError: if the Hub refuses.
    """
    api = HfApi(token=token)
    repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
    if revision is not None and not create_pr:
        api.create_branch(repo_id, branch=revision, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / repo_id.rpartition("/")[2]
        folder.mkdir()
        _fetch_card(api, repo_id, revision, folder)
        save(folder)
        return api.upload_folder(
            repo_id=repo_id,
            folder_path=os.fspath(folder),
            commit_message=commit_message,
            commit_description=commit_description,
            revision=revision,
            create_pr=create_pr,
            **patterns,
        )


def _fetch_card(api: HfApi, repo_id: str, revision: str | None, folder: Path) -> None:
    try:
        there = api.hf_hub_download(repo_id, CARD_NAME, revision=revision)
    except (EntryNotFoundError, RevisionNotFoundError):
        return  # The repository has no card, or no commit at all.
    shutil.copyfile(there, folder / CARD_NAME)
