"""SoftSRV: a PEFT adapter type with which a frozen language model writes texts like those of a sample.

Importing this room registers the type with PEFT. It loads nothing but PEFT and torch: once PEFT is loaded,
`condensers.auto_classes` imports it.
"""

from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.model import SoftSRVModel
from condensers.softsrv.peft_type import register_softsrv

register_softsrv(SoftSRVConfig, SoftSRVModel)

__all__ = ["SoftSRVConfig", "SoftSRVModel"]
