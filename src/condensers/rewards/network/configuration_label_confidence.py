"""Configuration of a classifier that is read as p(y | x)."""

from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec


@strict
class LabelConfidenceConfig(PreTrainedConfig):
    """Configuration of `LabelConfidence`.

    Attributes:
        backbone: Configuration of the classifier inside. Class names live in `id2label` of both, kept equal.
        max_input_length: Tokens kept of a text; None leaves it to the tokenizer and the backbone.
        recipe: How the classifier was fitted: fields of `FitRecipe` and the number of rows; None if it never was.
        base_model: Hub id of the model that was wrapped; None if it was none of the Hub.
        base_revision: Its commit, where it is known.
    """

    model_type = "label_confidence"
    sub_configs_defaults = {"backbone": SubConfigSpec(config_class=AutoConfig, model_type="bert")}

    backbone: PreTrainedConfig | dict | None = None
    max_input_length: int | None = None
    recipe: dict | None = None
    base_model: str | None = None
    base_revision: str | None = None

    def __post_init__(self, **kwargs: Any) -> None:  # noqa: ANN401  (whatever a config.json holds)
        attention = getattr(self.backbone, "_attn_implementation", None)
        super().__post_init__(**kwargs)
        if isinstance(self.backbone, PreTrainedConfig):
            if attention is not None:
                # transformers 5.23 sets the attention of every sub-config to that of the whole, which is None by now.
                self.backbone._attn_implementation = attention
            self._copy_names(self.backbone)
            self.problem_type = self.backbone.problem_type

    def name_labels(self, names: tuple[str, ...]) -> None:
        """Sets the class names, here and in the backbone."""
        if isinstance(self.backbone, PreTrainedConfig):
            self.backbone.id2label = dict(enumerate(names))
            self.backbone.label2id = {name: code for code, name in enumerate(names)}
            self._copy_names(self.backbone)

    def _copy_names(self, config: PreTrainedConfig) -> None:
        self.id2label = config.id2label.copy() if config.id2label else None
        self.label2id = config.label2id.copy() if config.label2id else None


__all__ = ["LabelConfidenceConfig"]
