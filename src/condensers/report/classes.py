"""How a class is drawn: the same colour and shape on the map, in its legend and in the tables."""

from dataclasses import dataclass

from condensers.data import Rows

# Consecutive classes differ in colour and in shape; 7 and 4 have no common divisor, so 28 classes look different.
N_COLOURS = 7
N_SHAPES = 4
N_STYLES = N_COLOURS * N_SHAPES


@dataclass(frozen=True)
class ClassStyle:
    """How one class is drawn.

    Attributes:
        name: Name of the class.
        key: CSS class that all its marks share, such as ``"k3"``.
        colour: Index into the palette of the style sheet; None for the grey of classes beyond the palette.
        shape: Index into the shapes: circle, square, triangle, diamond.
    """

    name: str
    key: str
    colour: int | None
    shape: int

    @property
    def css(self) -> str:
        """CSS classes of a mark."""
        return f"{self.key} {'cx' if self.colour is None else f'c{self.colour}'}"


def class_styles(source: Rows) -> dict[int, ClassStyle]:
    """Gives each class that occurs in the source its colour and shape, in class order."""
    return {
        code: ClassStyle(
            name=source.class_name(code),
            key=f"k{code}",
            colour=i % N_COLOURS if i < N_STYLES else None,
            shape=i % N_SHAPES if i < N_STYLES else 0,
        )
        for i, code in enumerate(source.class_counts)
    }
