"""What the stand-in keeps: repositories, their commits, and the files in them."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

# What a new repository is told to keep as large files; the Hub's list is longer.
LARGE_SUFFIXES = (".arrow", ".bin", ".gguf", ".gz", ".npz", ".parquet", ".safetensors", ".zip")
_LARGE_BYTES = 10 * 2**20
_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES)


@dataclass(frozen=True)
class StoredFile:
    """A file of a commit; a large one is known by the SHA-256 of its content, another by git's blob id."""

    content: bytes
    large: bool = False

    @property
    def oid(self):
        """Git's blob id of the file, or of the pointer that stands for a large one."""
        content = self.pointer if self.large else self.content
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self):
        lines = (
            "version https://git-lfs.github.com/spec/v1",
            f"oid sha256:{self.sha256}",
            f"size {len(self.content)}",
        )
        return "".join(f"{line}\n" for line in lines).encode()

    @property
    def known_by(self):
        """What clients compare their copy with, and the ETag of a download."""
        return self.sha256 if self.large else self.oid


@dataclass(frozen=True)
class Commit:
    """The whole tree at one point, by path."""

    oid: str
    parent: str | None
    title: str
    files: dict[str, StoredFile]
    made: datetime = field(default_factory=lambda: datetime.now(UTC))


class Repository:
    """A repository with branches and tags."""

    def __init__(self, kind, repo_id, private):
        self.kind, self.id, self.private = kind, repo_id, private
        self.commits = {}
        self.branches = {}
        self.tags = {}
        self.commit("main", "initial commit", {".gitattributes": StoredFile(_ATTRIBUTES.encode())})

    def commit(self, branch, title, files):
        """Adds a commit with exactly `files` to a branch; gives its id."""
        parent = self.branches.get(branch)
        seed = repr(
            (self.kind, self.id, parent, title, sorted((p, f.oid) for p, f in files.items()), len(self.commits))
        )
        made = Commit(hashlib.sha1(seed.encode()).hexdigest(), parent, title, dict(files))
        self.commits[made.oid] = made
        self.branches[branch] = made.oid
        return made.oid

    def at(self, revision):
        """The commit that a branch, a tag or (the beginning of) an id names; None if there is none."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid in self.commits:
            return self.commits[oid]
        return next((c for c in self.commits.values() if len(oid) >= 7 and c.oid.startswith(oid)), None)

    def files(self, revision="main"):
        """Content of each file, by path, but for the attributes that every repository begins with."""
        return {path: file.content for path, file in self.at(revision).files.items() if path != ".gitattributes"}

    def history(self, revision="main"):
        """The commits that led to a revision, the latest first."""
        found = []
        commit = self.at(revision)
        while commit is not None:
            found.append(commit)
            commit = self.commits.get(commit.parent)
        return found


def is_large(path, size, sample):
    """Whether the Hub takes a file as a large one: by its name, its size, or because it is no text."""
    if path.endswith(LARGE_SUFFIXES) or size > _LARGE_BYTES:
        return True
    return b"\0" in sample
