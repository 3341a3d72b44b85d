"""A Hub on the loopback: repositories with commits, uploads and downloads, over real HTTP.

It answers what the unmodified `huggingface_hub` and `datasets` ask, and nothing else: accounts, repositories of models
and datasets, commits with parents, large files in a storage of their own, trees, references, and the check of a
card's metadata. Faults can be planted in each of these. In a test::

    def test_a_round_trip(hub):  # the fixture of conftest.py: clients in this process talk to it, logged in as "me"
        Dataset.from_dict({"text": ["a"]}).push_to_hub("me/rows")
        assert hub.repositories["dataset", "me/rows"].files()["README.md"]
        hub.plant(Fault("commit", status=412))

A program of its own is pointed at it by ``subprocess.run(..., env=hub.environment(tmp_path))``.
"""

from hub_stand_in.clients import environment_of, point_clients_at
from hub_stand_in.repositories import Commit, Repository, StoredFile
from hub_stand_in.server import LOGGED_IN, READ_TOKEN, WRITE_TOKEN, Fault, StandInHub, stand_in_hub

__all__ = [
    "LOGGED_IN",
    "READ_TOKEN",
    "WRITE_TOKEN",
    "Commit",
    "Fault",
    "Repository",
    "StandInHub",
    "StoredFile",
    "environment_of",
    "point_clients_at",
    "stand_in_hub",
]
