"""Formulas as MathML, which browsers draw by themselves: the usual renderer fetches a script when a page is read."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

_logger = getLogger(__name__)

# What docutils 0.22 does not take: sizes of brackets, which in MathML grow by themselves, and of sums.
_SIZES = re.compile(r"\\([bB]ig[lr]?|textstyle)(?![a-zA-Z])\s*")


def _mathml(node: nodes.Element, *, display: bool) -> str:
    try:
        return tex2mathml(_SIZES.sub("", node.astext()), as_block=display)
    except MathError as error:
        _logger.warning("docutils cannot read the formula %r: %s", node.astext(), error, location=node)
        return ""


def _inline(translator: Any, node: nodes.math) -> None:  # noqa: ANN401  (a translator of Sphinx)
    translator.body.append(_mathml(node, display=False))
    raise nodes.SkipNode


def _display(translator: Any, node: nodes.math_block) -> None:  # noqa: ANN401
    translator.body.append(f'<div class="math">{_mathml(node, display=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Offers the renderer to the build."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
