"""The type is known to PEFT after `import condensers` alone, and a PEFT that does not take it is refused."""

import enum
import subprocess
import sys

import pytest
from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils import PeftType
from tiny_adapters import tiny_config

from condensers.errors import MissingDependencyError
from condensers.softsrv import SoftSRVConfig, SoftSRVModel, peft_type


def test_the_enum_has_a_member_like_its_own():
    member = PeftType("SOFTSRV")
    assert member is PeftType.SOFTSRV is PeftType["SOFTSRV"]
    assert member == "SOFTSRV" and member.value == member.name == "SOFTSRV"
    assert member in PeftType and member in list(PeftType)
    assert PeftType.LORA in PeftType and PeftType("LORA") is PeftType.LORA
    assert PEFT_TYPE_TO_CONFIG_MAPPING["SOFTSRV"] is SoftSRVConfig
    assert PEFT_TYPE_TO_TUNER_MAPPING[PeftType.SOFTSRV] is SoftSRVModel


def test_registering_twice_changes_nothing():
    before = list(PeftType)
    peft_type.register_softsrv(SoftSRVConfig, SoftSRVModel)
    assert list(PeftType) == before


def test_a_config_comes_back(tmp_path):
    tiny_config("mixture").save_pretrained(tmp_path)
    assert PeftConfig.from_pretrained(tmp_path) == tiny_config("mixture")


class Closed(enum.StrEnum):
    LORA = "LORA"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"PeftType": enum.Enum("Own", {"SOFTSRV": "SOFTSRV"}, type=str)}, "has a method SOFTSRV of its own"),
        ({"PeftType": Closed, "add_member": lambda kinds, name: setattr(kinds, "_x", name)}, "does not take a new"),
        ({"PeftType": Closed, "register_peft_method": lambda **given: given["none"]}, r"method \(KeyError: 'none'\)"),
    ],
)
def test_another_peft_is_refused(names, why, monkeypatch):
    monkeypatch.setattr(peft_type, "PEFT_TYPE_TO_TUNER_MAPPING", {})
    for name, value in names.items():
        monkeypatch.setattr(peft_type, name, value)
    with pytest.raises(MissingDependencyError, match=rf"PEFT 0\.21; the installed one, .*{why}.*pip install"):
        peft_type.register_softsrv(SoftSRVConfig, SoftSRVModel)


def test_a_peft_that_takes_no_new_type_can_still_be_imported():
    """The refusal waits until a SoftSRV name is asked for."""
    code = """
import condensers, importlib.abc, importlib.machinery, sys

class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "condensers.softsrv.peft_type" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        from condensers.errors import MissingDependencyError
        module.NAME = "SOFTSRV"
        def register_softsrv(*kinds):
            raise MissingDependencyError("another PEFT is needed")
        module.register_softsrv = register_softsrv

sys.meta_path.insert(0, Broken())
import peft
try:
    condensers.SoftSRVConfig
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another PEFT is needed" in done.stdout, done.stderr
