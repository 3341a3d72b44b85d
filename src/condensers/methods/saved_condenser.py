"""A condenser as a folder or a repository: what is saved of it, and how it comes back."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

from huggingface_hub import ModelCard, ModelHubMixin

from condensers.data import write_json
from condensers.embedding import Embedder
from condensers.errors import SettingError, SourceNotFoundError
from condensers.methods.card import condenser_card
from condensers.methods.components import component_from_spec, component_spec
from condensers.methods.config import CondenserConfig
from condensers.methods.learned import LearnedPart, Savable
from condensers.methods.record import RunRecord, package_versions
from condensers.methods.saving import CONFIG_NAME, condenser_folder, read_document
from condensers.methods.source import SourceReference
from condensers.sharing import push_saved, write_card


class SavedCondenser(ModelHubMixin):
    """The part of `Condenser` that saves, loads, copies and shares: settings and learned parts, never rows.

    Attributes:
        config: The settings now in force.
    """

    condenser_type: ClassVar[str] = ""
    config_class: ClassVar[type[CondenserConfig]] = CondenserConfig
    config: CondenserConfig
    _source: SourceReference
    _run: RunRecord | None
    _parts: dict[str, LearnedPart]
    _embedder: Embedder | None
    _own_embedder: bool
    # Not None when an object is made, or the mixin (huggingface_hub 2.4) would copy every part, its models included.
    _hub_mixin_config: Any = {}  # noqa: RUF012  (never written to)

    def _configure(self, settings: Mapping[str, Any]) -> None:
        """Changes settings."""
        raise NotImplementedError

    def _components(self) -> dict[str, Any]:
        """The parts that are saved with the condenser, by the name of the argument they were given as."""
        return {}

    def _load_part(self, name: str, folder: Path) -> Savable:
        """Reads a learned part out of the folder that its `save_pretrained` wrote."""
        raise NotImplementedError

    def _stored(self, name: str, key: str, folder: Path) -> LearnedPart:
        return LearnedPart(key, lambda: self._load_part(name, folder))

    def _document(self) -> dict[str, Any]:
        return {
            "condenser_type": self.condenser_type,
            "condensers_version": package_versions()["condensers"],
            "settings": asdict(self.config),
            "components": {name: part and component_spec(part) for name, part in self._components().items()},
            "source": asdict(self._source),
            "learned": {name: part.key for name, part in self._parts.items()},
        }

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> str | None:  # noqa: ANN401
        """Saves the condenser and what it has learned; see `ModelHubMixin.save_pretrained`.

        Raises:
            SettingError: if a part of it cannot be saved; then there is no folder either.
        """
        self._document()
        return super().save_pretrained(Path(save_directory), **kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        write_json(save_directory / CONFIG_NAME, self._document())
        for name, part in self._parts.items():
            part.value.save_pretrained(save_directory / name)
        # The mixin writes a card where there is none, and so would leave the one of an earlier run.
        write_card(save_directory, self.generate_model_card())

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """Writes the card of the saved condenser."""
        return condenser_card(self._document(), self._run, self._embedder.fingerprint if self._embedder else None)

    def push_to_hub(self, repo_id: str, *, private: bool | None = True, **kwargs: Any) -> str:
        """Uploads the condenser; private unless `private=False`. A card that somebody edited there stays.

        Args:
            repo_id: Where to, ``user/name``.
            private: Whether a repository that is made is private; None leaves it to the Hub.
            **kwargs: Those of `push_saved`: `token`, `revision`, `create_pr`, `commit_message`.

        Returns:
            Address of the commit.

        Raises:
            SettingError: if a part of it cannot be saved.
            HfHubHTTPError: if the Hub refuses.
        """
        return push_saved(self.save_pretrained, repo_id, private=private, **kwargs)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **settings: Any,
    ) -> Self:
        """Loads a condenser from a folder or the Hub; nothing is fitted again.

        Args:
            pretrained_model_name_or_path: Folder, or Hub id.
            revision: Commit, tag or branch on the Hub.
            token: Hub token; None takes the one that is logged in.
            cache_dir: Where downloads are kept.
            local_files_only: Do not ask the Hub.
            force_download: Download again.
            **settings: Settings to change.

        Raises:
            SourceNotFoundError: if there is no condenser there.
            SettingError: if it is of another type, or its config is broken.
        """
        folder = condenser_folder(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        document = read_document(folder)
        condenser = cls._from_document(document, **settings)
        for name, key in document.get("learned", {}).items():
            if not (folder / name).is_dir():
                raise SourceNotFoundError(f"{str(folder)!r} lacks the folder of its learned part {name!r}.")
            condenser._parts[name] = condenser._stored(name, key, folder / name)
        return condenser

    @classmethod
    def _from_document(cls, document: Mapping[str, Any], **settings: Any) -> Self:
        if document["condenser_type"] != cls.condenser_type:
            raise SettingError(
                f"this is a condenser of type {document['condenser_type']!r}, not {cls.condenser_type!r}; "
                f"load it with `AutoCondenser.from_pretrained`."
            )
        parts = {name: spec and component_from_spec(spec) for name, spec in document.get("components", {}).items()}
        condenser = cls(cls.config_class().updated(document.get("settings", {})), **parts)
        condenser._source = SourceReference(**document.get("source", {}))
        condenser._configure(settings)
        return condenser

    def __reduce__(self) -> tuple[Any, ...]:
        # `datasets` takes the fingerprint of a transform from its pickle: config and parts, never rows or weights, and
        # the same bytes in every process. What is learned follows from these and the rows, and other processes find it
        # in the cache, so the fingerprint is the same before and after a fit.
        document = json.dumps({**self._document(), "learned": {}}, sort_keys=True)
        return _restore, (type(self), document, self._embedder if self._own_embedder else None)

    def _copy(self) -> Self:
        copy = self._from_document(self._document())
        copy._embedder, copy._own_embedder = self._embedder, self._own_embedder
        copy._parts = dict(self._parts)
        return copy


def _restore(cls: type[SavedCondenser], document: str, embedder: Embedder | None) -> SavedCondenser:
    condenser = cls._from_document(json.loads(document))
    if embedder is not None:
        condenser._configure({"embedder": embedder})
    return condenser
