"""A repository on the Hub: made before the work, changed in one commit, taken back if nothing came of it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled

from condensers.errors import AccessError, CondensersError, ConflictError, ServiceError, SettingError
from condensers.hub.folder import EVALUATION_FILE, RUN_FILE, SCORES_FILE

_LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN to a token with write access."


@dataclass(frozen=True)
class Reservation:
    """A dataset repository that is there and may be written to.

    Attributes:
        repo_id: ``"user/name"``.
        branch: The branch to write to.
        parent: The commit at its head.
        created: Whether it was made just now.
        private: Whether others cannot see it.
        replaced: What lies at the head and goes when other rows take its place.
        token: What to ask the Hub with; None for the one that is logged in. Not shown.
    """

    repo_id: str
    branch: str
    parent: str
    created: bool
    private: bool
    replaced: tuple[str, ...]
    token: str | None = None

    def __repr__(self) -> str:
        return f"Reservation({self.repo_id!r}, branch={self.branch!r}, parent={self.parent!r}, private={self.private})"


def reserve(
    repo_id: str, *, private: bool = True, revision: str | None = None, token: str | None = None
) -> Reservation:
    """Makes a dataset repository, or finds the one that is there, and makes sure that it can be written to.

    To be called before anything costly, so that a missing permission costs nothing.

    Args:
        repo_id: ``"user/name"``.
        private: Make it private; what is there stays as it is.
        revision: Branch to write to, made if there is none; None is main.
        token: Hub token; None takes the one that is logged in.

    Raises:
        SettingError: if `repo_id` is no name of a repository, or what is there is public and `private` is True, or
            was not published by this library.
        AccessError: if the Hub does not know who asks, or does not allow it.
        ServiceError: if it cannot be reached.
    """
    api = HfApi(token=token)
    branch = revision or constants.DEFAULT_REVISION
    with hub_errors(repo_id, "made", token):
        created = _create(api, repo_id, private)
        try:
            if private and not api.dataset_info(repo_id).private:
                raise SettingError(
                    f"the repository {repo_id!r} is public: what is published there everybody sees. Pass "
                    f"`private=False` (`--public`) if that is meant, or choose another name."
                )
            if revision is not None:
                api.create_branch(repo_id, branch=revision, repo_type="dataset", exist_ok=True)
            found = api.dataset_info(repo_id, revision=branch)
        except Exception:
            if created:
                # If that fails too, what went wrong first is what there is to tell.
                with suppress(Exception):
                    api.delete_repo(repo_id, repo_type="dataset")
            raise
    replaced = _ours(repo_id, [file.rfilename for file in found.siblings or ()])
    return Reservation(repo_id, branch, str(found.sha), created, bool(found.private), replaced, token)


def commit_folder(place: Reservation, folder: Path, *, message: str, replace: tuple[str, ...] = ()) -> str:
    """Puts every file of a folder into a repository in one commit; gives the commit's id.

    Args:
        place: Where to, as `reserve` found it: what somebody else has committed since is never overwritten.
        folder: The files.
        message: First line of the commit.
        replace: Files there that go in the same commit, unless the folder holds them.

    Raises:
        ConflictError: if somebody else has committed since.
        AccessError: if the Hub does not know who asks, or does not allow it.
        SettingError: if it refuses what the card says.
        ServiceError: if it cannot be reached or fails.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(name, path) for name, path in zip(names, paths, strict=True)
    ]
    operations += [CommitOperationDelete(name) for name in replace if name not in names]
    with hub_errors(place.repo_id, "written to", place.token):
        return (
            HfApi(token=place.token)
            .create_commit(
                place.repo_id,
                operations,
                commit_message=message,
                repo_type="dataset",
                revision=place.branch,
                parent_commit=place.parent,
            )
            .oid
        )


def release(place: Reservation) -> str:
    """Takes a repository back that `reserve` made and nothing was committed to; says in words what became of it."""
    api = HfApi(token=place.token)
    try:
        with hub_errors(place.repo_id, "looked at", place.token):
            heads = {ref.target_commit for ref in api.list_repo_refs(place.repo_id, repo_type="dataset").branches}
            if place.created and heads == {place.parent}:
                api.delete_repo(place.repo_id, repo_type="dataset")
                return f"The repository {place.repo_id!r}, which was made for it, is gone again."
            if api.dataset_info(place.repo_id, revision=place.branch).sha != place.parent:
                return f"The commit has arrived at {place.repo_id!r} all the same, or somebody else's has."
            return f"The repository {place.repo_id!r} is as it was."
    except CondensersError:
        left = "made and left empty" if place.created else "perhaps as it was"
        return f"The repository {place.repo_id!r} was {left}."


@contextmanager
def released_on_failure(place: Reservation) -> Iterator[None]:
    """Takes a repository back if the block raises, and has the error say what became of it."""
    try:
        yield
    except CondensersError as error:
        outcome = release(place)
        raise type(error)(f"{error} {outcome}") from error
    except BaseException:
        release(place)
        raise


@contextmanager
def hub_errors(repo_id: str, done: str, token: str | None = None) -> Iterator[None]:
    """Turns what the Hub's client raises into errors that name the repository and the remedy.

    Args:
        repo_id: The repository.
        done: What was to be done with it, "made".
        token: A token that no message may hold, beside the one that is logged in.
    """
    try:
        yield
    except CondensersError:
        raise
    except HFValidationError as error:
        raise SettingError(f"{repo_id!r} is no name of a repository, such as 'user/name': {error}") from None
    except LocalTokenNotFoundError:
        raise AccessError(f"{repo_id!r} could not be {done}: nobody is logged in. {_LOG_IN}") from None
    except Exception as error:
        raise _translated(error, repo_id, done, token) from None


def _create(api: HfApi, repo_id: str, private: bool) -> bool:
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private)
    except HfHubHTTPError as error:
        if error.response.status_code != 409:
            raise
        return False
    return True


def _ours(repo_id: str, names: Sequence[str]) -> tuple[str, ...]:
    """The files that this library published there.

    Raises:
        SettingError: if there are others.
    """
    rows = [name for name in names if name.startswith("data/train-") and name.endswith(".parquet")]
    marks = (RUN_FILE, EVALUATION_FILE, SCORES_FILE)
    known = {".gitattributes", "README.md", *marks, *rows}
    others = [name for name in names if name not in known]
    if not others and not {RUN_FILE, SCORES_FILE} & set(names):
        others = rows
    if others:
        raise SettingError(
            f"the repository {repo_id!r} holds what this library has not published: {', '.join(others[:5])}. Choose "
            f"another name; nothing there was changed."
        )
    return tuple(name for name in (*rows, *marks) if name in names)


def _translated(error: Exception, repo_id: str, done: str, token: str | None) -> Exception:
    failed = f"{repo_id!r} could not be {done}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError) and cause.response is not None:
            said = _without_tokens(str(cause.server_message or "").strip(), token)
            return _refused(cause.response.status_code, failed, f" The Hub says: {said}" if said else "")
        if isinstance(cause, OfflineModeIsEnabled):
            return ServiceError(f"{failed}: HF_HUB_OFFLINE is set. Unset it to publish.")
        cause = cause.__cause__ or cause.__context__
    said = _without_tokens(str(error).strip(), token)
    if "Invalid metadata in README.md" in said:
        return SettingError(f"{failed}: the Hub does not take the card. {said}")
    if isinstance(error, (OSError, RuntimeError)) or type(error).__module__.startswith("httpx"):
        return ServiceError(
            f"{failed}: the connection to {constants.ENDPOINT} failed ({type(error).__name__}: {said}). Try again; "
            f"what was uploaded is not uploaded twice."
        )
    return error


def _refused(status: int, failed: str, said: str) -> CondensersError:
    if status == 401:
        return AccessError(f"{failed}: the Hub does not accept the token, or there is none (401). {_LOG_IN}{said}")
    if status == 403:
        return AccessError(
            f"{failed}: the token may not write there (403). Take a token with write access to that name, or a name "
            f"of your own.{said}"
        )
    if status == 404:
        return AccessError(f"{failed}: there is no such place, or the token does not see it (404).{said}")
    if status in (409, 412):
        return ConflictError(
            f"{failed}: somebody else changed it meanwhile ({status}), and nothing was overwritten. Look at what is "
            f"there and publish again.{said}"
        )
    if status in (400, 422):
        return SettingError(f"{failed}: the Hub refuses what was sent ({status}).{said}")
    return ServiceError(f"{failed}: the Hub fails ({status}). Try again later.{said}")


def _without_tokens(text: str, token: str | None) -> str:
    for secret in filter(None, (token, get_token(), os.environ.get("HF_TOKEN"))):
        text = text.replace(secret, "***")
    return text
