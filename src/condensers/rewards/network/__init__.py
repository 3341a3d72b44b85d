"""The part of a reward model that travels: what runs it, and nothing that trains it or scores datasets.

`save_pretrained` copies these files beside the weights, so that the Auto classes give the model, with
``trust_remote_code=True``, where this library is not installed. Hence they import torch, transformers and one another,
relatively, and raise the errors of Python alone.
"""

from condensers.rewards.network.configuration_label_confidence import LabelConfidenceConfig
from condensers.rewards.network.modeling_label_confidence import LabelConfidenceModel

__all__ = ["LabelConfidenceConfig", "LabelConfidenceModel"]
