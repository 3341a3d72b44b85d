"""What the values of options mean: names and sizes with commas, and the settings of a condenser."""

from typing import Any, Literal

from condensers.errors import SettingError


def split_names(value: str, option: str) -> list[str]:
    """Splits a comma-separated option.

    Raises:
        SettingError: if a name is empty or occurs twice.
    """
    names = [name.strip() for name in value.split(",")]
    if not all(names) or len(set(names)) != len(names):
        raise SettingError(f"`{option}` must be different names with commas between them; got {value!r}.")
    return names


def split_sizes(value: str, option: str) -> list[int]:
    """Splits an option of whole numbers with commas, and sorts them.

    Raises:
        SettingError: if one is no whole number of at least 1, or occurs twice.
    """
    sizes = [int(part) if part.strip().isdecimal() else 0 for part in value.split(",")]
    if min(sizes) < 1 or len(set(sizes)) != len(sizes):
        raise SettingError(
            f"`{option}` must be a whole number of at least 1, or different ones with commas between them; "
            f"got {value!r}."
        )
    return sorted(sizes)


def split_amounts(value: str, option: str) -> list[tuple[Any, float | None]]:
    """Splits an option of names with commas, each of which may have a number: ``tokens=2000,seconds``.

    Raises:
        SettingError: if a name is empty or occurs twice, or what follows it is no number.
    """
    found = []
    for part in split_names(value, option):
        name, equals, amount = part.partition("=")
        try:
            found.append((name, float(amount) if equals else None))
        except ValueError:
            raise SettingError(f"`{option}` takes names, each with a number or none; got {part!r}.") from None
    return found


def auto_size(value: str | None, option: str) -> int | Literal["auto"] | None:
    """An option that is a whole number, or ``auto``.

    Raises:
        SettingError: if it is neither.
    """
    if value is None or value == "auto":
        return value  # type: ignore[return-value]
    if not value.isdecimal():
        raise SettingError(f"`{option}` must be a whole number of at least 1, or auto; got {value!r}.")
    return int(value)


def row_settings(
    *,
    text: str | None,
    label: str,
    embedder: str | None,
    dedup: str | None,
    drop_empty: bool,
    allow_fewer: bool,
    per_class: int | Literal["auto"] | None,
    total: int | None,
    fraction: float | None,
) -> dict[str, Any]:
    """The settings of a condenser that these options stand for."""
    settings: dict[str, Any] = {
        "text": None if text is None else tuple(split_names(text, "--text")),
        "label": None if label == "none" else label,
        "drop_empty": drop_empty,
        "allow_fewer": allow_fewer,
        "per_class": per_class,
        "total": total,
        "fraction": fraction,
    }
    given = {"embedder": embedder, "dedup": dedup}
    return settings | {name: value for name, value in given.items() if value is not None}
