"""Points Hub clients at the stand-in: those of this process, and those of a program of its own."""

import os
import sys
from pathlib import Path


def environment_of(address, token, home):
    """The environment in which a program takes the stand-in for the Hub; `home` keeps what it downloads."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING_FACE"))}
    token = {} if token is None else {"HF_TOKEN": token}
    # The stand-in speaks the older protocol of large files alone.
    return {**kept, **token, "HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}


def point_clients_at(address, token, home, monkeypatch):
    """Does the same for this process, whose clients read the environment when they were imported."""
    import datasets
    from huggingface_hub import HfFileSystem, constants, hf_api

    home = Path(home)
    for name, value in {
        "ENDPOINT": address,
        "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_ASSETS_CACHE": str(home / "assets"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
    }.items():
        monkeypatch.setattr(constants, name, value)
    # The object whose methods are `create_repo`, `upload_file`, ... of the package.
    monkeypatch.setattr(hf_api.api, "endpoint", address)
    # transformers keeps an object of its own from its first call on.
    if "transformers.utils.hub" in sys.modules:
        monkeypatch.setattr(sys.modules["transformers.utils.hub"], "_hf_api", None)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", address)
    monkeypatch.setattr(datasets.config, "HUB_DATASETS_URL", address + "/datasets/{repo_id}/resolve/{revision}/{path}")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(home / "modules"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    HfFileSystem.clear_instance_cache()
