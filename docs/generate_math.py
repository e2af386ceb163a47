"""Write formulas as MathML, which browsers draw by themselves: no script, no network."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


def add_mathml(app: Sphinx) -> None:
    """Make the renderer known to Sphinx as ``mathml``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    formula = _mathml(node, as_block=True)
    translator.body.append(f'<div style="margin: 1em 0; overflow-x: auto">{formula}</div>')
    raise nodes.SkipNode


def _mathml(node: nodes.math | nodes.math_block, *, as_block: bool) -> str:
    # Else the index of a letter with an accent is set right below the letter.
    formula = re.sub(r"(\\(?:bar|hat)\s*(?:\{\w\}|\w))_", r"\1{}_", node.astext().strip())
    try:
        # As an accent, a bar is drawn into its letter where no font for mathematics is installed.
        return tex2mathml(formula, as_block=as_block).replace(' accent="true"', "")
    except MathError as error:
        logger.warning("this formula cannot be written as MathML: %s", error, location=node)
        return ""
