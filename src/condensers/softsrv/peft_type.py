"""Makes SOFTSRV known to PEFT.

PEFT 0.21 keeps the names of its methods in an enum that is closed: `register_peft_method` turns away a name that is no
member. So the member is added first. What this leans on is checked each time, and another PEFT is refused with a
sentence instead of an `AttributeError` from its depths.

This file can go, but for the one call of `register_peft_method`, once PEFT takes names from outside.
"""

from typing import Any

import peft
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils import PeftType
from peft.utils.peft_types import register_peft_method

from condensers.errors import MissingDependencyError

NAME = "SOFTSRV"


def register_softsrv(config_class: type, model_class: type) -> None:
    """Registers the method; once registered, `get_peft_model` and `PeftModel.from_pretrained` find it by themselves.

    Args:
        config_class: Its configuration.
        model_class: Its tuner.

    Raises:
        MissingDependencyError: if the installed PEFT is built in a way that leaves no room for a new method, or has
            one of that name.
    """
    kinds: Any = PeftType
    if NAME in kinds.__members__:
        registered: Any = PEFT_TYPE_TO_TUNER_MAPPING.get(kinds[NAME])
        if registered is None or registered.__module__ != model_class.__module__:
            raise _unsupported(f"has a method {NAME} of its own")
        return
    try:
        add_member(kinds, NAME)
        if kinds(NAME) is not kinds[NAME] or NAME not in list(kinds) or getattr(kinds, NAME) is not kinds[NAME]:
            raise _unsupported("does not take a new member of `PeftType`")
        register_peft_method(name=NAME.lower(), config_cls=config_class, model_cls=model_class)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unsupported(f"does not take a new method ({type(error).__name__}: {error})") from error


def add_member(kinds: Any, name: str) -> None:  # noqa: ANN401  (an Enum class)
    """Adds a member whose value is its name to an enum of strings.

    Python's enums offer no way to; these are the tables that those of 3.11 to 3.13 look members up in.
    """
    member = str.__new__(kinds, name)
    member._name_ = name
    member._value_ = name
    member.__objclass__ = kinds
    member._sort_order_ = len(kinds._member_names_)
    # Python 3.11 finds members in the table, later ones as attributes of the class.
    type.__setattr__(kinds, name, member)
    kinds._member_names_.append(name)
    kinds._member_map_[name] = member
    kinds._value2member_map_[name] = member


def _unsupported(why: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"SoftSRV adapters work with PEFT 0.21; the installed one, {peft.__version__}, {why}. Run "
        f"`pip install 'peft>=0.21,<0.22'`."
    )
