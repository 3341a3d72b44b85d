"""What the stand-in answers to each step, in the words and headers in which the Hub does."""

import base64
import json
import re
from urllib.parse import parse_qs

import yaml

from hub_stand_in.card_check import check_card
from hub_stand_in.repositories import Repository, StoredFile, is_large

# What the Hub says with a status, where nothing more is known.
_WORDS = {
    401: "Invalid credentials in Authorization header",
    403: "you must use a write token to upload to a repository.",
    409: "The branch was updated meanwhile. Please try again.",
    412: "A commit has happened since. Please refresh and try again.",
    500: "Internal Error - We're working hard to fix this as soon as possible!",
}


class Refusal(Exception):
    """An answer that is not a success."""

    def __init__(self, status, message=None, code=None, body=None):
        super().__init__(status, message)
        self.status, self.code, self.body = status, code, body
        self.message = message or _WORDS.get(status, "")


class Answers:
    """The steps, each a method that gives status, body and headers, or raises a `Refusal`.

    Needs of the handler: ``server``, ``headers``, ``url`` and ``body``.
    """

    # Who asks, and for what.

    def _account(self):
        header = self.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ")
        if not header:
            return None, None
        if token not in self.server.accounts:
            raise Refusal(401)
        return self.server.accounts[token]

    def _may_write(self, repo_id):
        user, role = self._account()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if role != "write":
            raise Refusal(403)
        if repo_id.split("/")[0] != user:
            raise Refusal(403, f'You don\'t have the rights to create or change "{repo_id}".')

    def _repository(self, kind, repo_id, *, write=False):
        kind = (kind or "model").removesuffix("/").removesuffix("s")
        user, _ = self._account()
        repository = self.server.repositories.get((kind, repo_id))
        if repository is None or (repository.private and repo_id.split("/")[0] != user):
            # Whoever is not logged in is told to do so, whether or not there is something.
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if write:
            self._may_write(repo_id)
        return repository

    def _commit_of(self, repository, revision):
        commit = repository.at(revision or "main")
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _json(self):
        return json.loads(self.body or b"{}")

    # Accounts, cards.

    def on_whoami(self):
        user, role = self._account()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        token = {"displayName": "stand-in", "role": role}
        return 200, {"type": "user", "name": user, "orgs": [], "auth": {"accessToken": token}}

    def on_validate_yaml(self):
        asked = self._json()
        errors, warnings = check_card(asked["content"], asked["repoType"])
        told = {name: [{"message": m} for m in found] for name, found in (("errors", errors), ("warnings", warnings))}
        return (400 if errors else 200), told

    # Repositories.

    def on_create(self):
        asked = self._json()
        user, _ = self._account()
        repo_id = f"{asked.get('organization') or user}/{asked['name']}"
        self._may_write(repo_id)
        kind = asked.get("type", "model")
        url = f"{self.server.address}/{_place(kind)}{repo_id}"
        if (kind, repo_id) in self.server.repositories:
            said = f"You already created this {kind} repo"
            raise Refusal(409, said, body={"error": said, "url": url})
        private = asked.get("visibility") == "private" or asked.get("private") is True
        self.server.repositories[kind, repo_id] = Repository(kind, repo_id, private)
        return 200, {"url": url, "name": repo_id, "id": repo_id}

    def on_delete(self):
        asked = self._json()
        user, _ = self._account()
        repo_id = f"{asked.get('organization') or user}/{asked['name']}"
        kind = asked.get("type", "model")
        self._repository(kind, repo_id, write=True)
        del self.server.repositories[kind, repo_id]
        return 200, {}

    def on_settings(self, kind, repo):
        repository = self._repository(kind, repo, write=True)
        asked = self._json()
        repository.private = asked.get("visibility") == "private" or asked.get("private") is True
        return 200, {"private": repository.private}

    def on_info(self, kind, repo, revision):
        repository = self._repository(kind, repo)
        commit = self._commit_of(repository, revision)
        made = commit.made.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        found = {"_id": "0" * 24, "id": repo, "author": repo.split("/")[0], "sha": commit.oid, "lastModified": made}
        card = _metadata(commit.files.get("README.md"))
        found |= {"private": repository.private, "gated": False, "disabled": False, "downloads": 0, "likes": 0}
        found |= {"tags": card.get("tags", []), "createdAt": made, "siblings": self._siblings(commit)}
        return 200, found | ({"cardData": card} if card else {})

    def _siblings(self, commit):
        return [{"rfilename": path} for path in sorted(commit.files)]

    def on_refs(self, kind, repo):
        repository = self._repository(kind, repo)
        named = {"branches": ("heads", repository.branches), "tags": ("tags", repository.tags)}
        return 200, {
            "converts": [],
            "pullRequests": [],
            **{
                what: [{"name": name, "ref": f"refs/{way}/{name}", "targetCommit": oid} for name, oid in refs.items()]
                for what, (way, refs) in named.items()
            },
        }

    def on_reference(self, kind, repo, what, revision):
        repository = self._repository(kind, repo, write=True)
        asked = self._json()
        # A tag is put at the revision in the path and named in the body, a branch the other way round.
        name, start = (asked["tag"], revision) if what == "tag" else (revision, asked.get("startingPoint"))
        held = repository.tags if what == "tag" else repository.branches
        if name in held:
            raise Refusal(409, f"Reference already exists: {name}")
        held[name] = self._commit_of(repository, start).oid
        return 200, {}

    def on_drop_reference(self, kind, repo, what, revision):
        repository = self._repository(kind, repo, write=True)
        held = repository.tags if what == "tag" else repository.branches
        if held.pop(revision, None) is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return 200, {}

    def on_commits(self, kind, repo, revision):
        repository = self._repository(kind, repo)
        self._commit_of(repository, revision)
        return 200, [
            {
                "id": c.oid,
                "title": c.title,
                "message": "",
                "authors": [],
                "date": c.made.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }
            for c in repository.history(revision)
        ]

    # What lies in them.

    def on_tree(self, kind, repo, revision, path):
        commit = self._commit_of(self._repository(kind, repo), revision)
        start = f"{path}/" if path else ""
        inside = {p: file for p, file in commit.files.items() if p.startswith(start)}
        if path and not inside:
            raise Refusal(404, f"{path} does not exist on {revision}", "EntryNotFound")
        recursive = parse_qs(self.url.query).get("recursive", ["false"])[0].lower() in ("true", "1")
        folders = {p[: k + len(start)] for p in inside for k, c in enumerate(p[len(start) :]) if c == "/"}
        if not recursive:
            inside = {p: file for p, file in inside.items() if "/" not in p[len(start) :]}
            folders = {f for f in folders if "/" not in f[len(start) :]}
        return 200, [*({"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in sorted(folders))] + [
            _listing(p, file, commit) for p, file in sorted(inside.items())
        ]

    def on_paths_info(self, kind, repo, revision):
        commit = self._commit_of(self._repository(kind, repo), revision)
        asked = self._json() if self.body[:1] == b"{" else parse_qs(self.body.decode())
        found = []
        for path in asked["paths"]:
            if path in commit.files:
                found.append(_listing(path, commit.files[path], commit))
            elif any(p.startswith(f"{path}/") for p in commit.files):
                found.append({"type": "directory", "path": path, "oid": "0" * 40, "size": 0})
        return 200, found

    def on_resolve(self, kind, repo, revision, path):
        repository = self._repository(kind, repo)
        commit = self._commit_of(repository, revision)
        headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        file = commit.files.get(path)
        if file is None:
            headers |= {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            return 404, b"Entry not found", headers
        headers["ETag"] = f'"{file.known_by}"'
        if file.large:
            headers |= {"X-Linked-Etag": f'"{file.known_by}"', "X-Linked-Size": str(len(file.content))}
            headers["Location"] = f"{self.server.storage_address}/storage/{file.sha256}"
            return 302, b"", headers
        return self._content(file.content, headers)

    def on_download(self, oid):
        if oid not in self.server.storage:
            raise Refusal(404, "NoSuchKey")
        return self._content(self.server.storage[oid], {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})

    def _content(self, content, headers):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return 200, content, headers
        first, last = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
        if first >= len(content):
            return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
        return 206, content[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}

    # Uploads.

    def on_preupload(self, kind, repo, revision):
        repository = self._repository(kind, repo, write=True)
        commit = self._commit_of(repository, revision)
        told = []
        for file in self._json()["files"]:
            mode = "lfs" if is_large(file["path"], file["size"], base64.b64decode(file["sample"])) else "regular"
            there = commit.files.get(file["path"])
            known = {} if there is None else {"oid": there.known_by}
            told.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **known})
        return 200, {"files": told, "commitOid": commit.oid}

    def on_lfs_batch(self, kind, repo):
        self._repository(kind, repo, write=True)
        told = []
        for item in self._json()["objects"]:
            address = f"{self.server.storage_address}/storage/{item['oid']}"
            actions = {"upload": {"href": address}, "verify": {"href": f"{address}/verify"}}
            told.append({**item, **({} if item["oid"] in self.server.storage else {"actions": actions})})
        return 200, {"transfer": "basic", "objects": told}, {"Content-Type": "application/vnd.git-lfs+json"}

    def on_upload(self, oid):
        if StoredFile(self.body, large=True).sha256 != oid:
            raise Refusal(400, "The content does not match its SHA-256")
        self.server.storage[oid] = self.body
        return 200, b"", {"ETag": f'"{oid}"'}

    def on_verify(self, oid):
        if oid not in self.server.storage:
            raise Refusal(404, "There is no such object")
        return 200, {}

    def on_commit(self, kind, repo, revision):
        repository = self._repository(kind, repo, write=True)
        if revision not in repository.branches:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        head, *operations = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        parent = head["value"].get("parentCommit")
        if parent is not None and repository.at(parent) is not repository.at(revision):
            raise Refusal(412)
        files = dict(repository.at(revision).files)
        for operation in operations:
            self._apply(operation["key"], operation["value"], files)
        oid = repository.commit(revision, head["value"]["summary"], files)
        url = f"{self.server.address}/{_place(repository.kind)}{repo}/commit/{oid}"
        return 200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""}

    def _apply(self, key, value, files):
        path = value["path"]
        if key == "file":
            files[path] = StoredFile(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in self.server.storage:
                raise Refusal(400, f"Your push was rejected because the LFS object {value['oid']} is missing.")
            files[path] = StoredFile(self.server.storage[value["oid"]], large=True)
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        elif key == "deletedFolder":
            for inside in [p for p in files if p.startswith(path.rstrip("/") + "/")]:
                del files[inside]
        else:
            raise Refusal(400, f"unknown operation {key!r}")


def _listing(path, file, commit):
    made = {"id": commit.oid, "title": commit.title, "date": commit.made.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    found = {"type": "file", "path": path, "size": len(file.content), "oid": file.oid, "lastCommit": made}
    if file.large:
        found["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": len(file.pointer)}
    return found


def _metadata(card):
    found = None if card is None else re.match(r"---\n(.*?)\n---", card.content.decode(), re.DOTALL)
    return (yaml.safe_load(found[1]) if found else None) or {}


def _place(kind):
    """Where pages of a kind are: models at the root, the others below a folder."""
    return "" if kind == "model" else f"{kind}s/"
