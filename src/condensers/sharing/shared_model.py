"""Models that are saved with their card and the code that runs them."""

import os
from pathlib import Path
from typing import Any, ClassVar

from huggingface_hub import ModelCard
from transformers import PreTrainedModel

from condensers.sharing.model_card import write_card
from condensers.sharing.network_code import auto_map, write_code
from condensers.sharing.pushing import push_saved

# What `save_pretrained` of transformers takes for an upload.
_UPLOAD = ("push_to_hub", "repo_id", "private", "token", "revision", "create_pr", "commit_message")


class SharedModel(PreTrainedModel):
    """Base of our models; one names its network, the class whose code travels, and writes its card.

    After `import condensers` the Auto classes give the model itself, whatever lies beside the weights, and run none
    of it. Elsewhere they give its network, if the user passes ``trust_remote_code=True``.
    """

    network_class: ClassVar[type[PreTrainedModel]]
    auto_classes: ClassVar[tuple[str, ...]] = ("AutoModel",)

    def model_card(self, **metadata: Any) -> ModelCard:  # noqa: ANN401  (fields of ModelCardData)
        """The card of the model as it is.

        Args:
            **metadata: Goes into the metadata, such as ``license="apache-2.0"``; see `ModelCardData`.
        """
        raise NotImplementedError

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        is_main_process: bool = True,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Saves the model, its tokenizer, its code and its card; a card that somebody edited stays.

        Args:
            save_directory: Where to.
            is_main_process: Whether this process writes what is not weights.
            *args: Those of `PreTrainedModel.save_pretrained`.
            **kwargs: The same. With ``push_to_hub=True`` the model is uploaded too, as `push_to_hub` does, to
                ``repo_id`` or the name of the folder.

        Raises:
            OSError: if the code or the card cannot be written.
        """
        upload = {name: kwargs.pop(name) for name in _UPLOAD if name in kwargs}
        self.config.auto_map = auto_map(self.network_class, self.auto_classes)
        super().save_pretrained(save_directory, is_main_process, *args, **kwargs)
        if not is_main_process:
            return
        folder = Path(save_directory)
        write_code(self.network_class, folder)
        write_card(folder, self.model_card())
        if upload.pop("push_to_hub", False):
            self.push_to_hub(upload.pop("repo_id", folder.name), **upload)

    def push_to_hub(  # type: ignore[override]  # What is left out goes to `push_saved`.
        self,
        repo_id: str,
        *,
        private: bool | None = True,
        tags: list[str] | None = None,
        max_shard_size: int | str = "50GB",
        **kwargs: Any,
    ) -> str:
        """Uploads the model with its card; private unless `private=False`.

        Args:
            repo_id: Where to, ``user/name``.
            private: Whether a repository that is made is private; None leaves it to the Hub.
            tags: More tags for the card.
            max_shard_size: See `PreTrainedModel.save_pretrained`.
            **kwargs: Those of `push_saved`: `token`, `revision`, `create_pr`, `commit_message`.

        Returns:
            Address of the commit.

        Raises:
            HfHubHTTPError: if the Hub refuses.
        """

        def save(folder: Path) -> None:
            self.save_pretrained(folder, max_shard_size=max_shard_size)
            if tags:
                write_card(folder, self.model_card(tags=tags))

        return push_saved(save, repo_id, private=private, **kwargs)
