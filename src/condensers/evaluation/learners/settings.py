"""Checks of what a learner is set to, before it is trained for minutes."""

from collections.abc import Sequence

from condensers.errors import SettingError


def check_settings(
    learner: object, *, whole: Sequence[str] = (), positive: Sequence[str] = (), shares: Sequence[str] = ()
) -> None:
    """Raises unless each named setting is in its range.

    Args:
        learner: Where the settings are read.
        whole: Settings that must be whole numbers of at least 1.
        positive: Settings that must be above 0.
        shares: Settings that must be at least 0 and below 1.

    Raises:
        SettingError: if one is not; the message names it and its value.
    """
    for name in whole:
        value = getattr(learner, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SettingError(f"`{name}` must be a whole number of at least 1; got {value!r}.")
    for name in positive:
        if not getattr(learner, name) > 0:
            raise SettingError(f"`{name}` must be above 0; got {getattr(learner, name)!r}.")
    for name in shares:
        if not 0 <= getattr(learner, name) < 1:
            raise SettingError(f"`{name}` must be at least 0 and below 1; got {getattr(learner, name)!r}.")
