"""How Sphinx builds these pages: ``python -m sphinx -W -b html docs docs/_build/html``."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generate_benchmarks import write_benchmarks  # noqa: E402 (these scripts lie beside this file)
from generate_math import add_mathml  # noqa: E402
from generate_reference import write_reference  # noqa: E402

settings = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))

project = "spikeloop"
author = copyright = "The spikeloop authors"
version = release = settings["project"]["version"]

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "_generated/benchmarks.md", "**.ipynb_checkpoints"]
# Docstrings write `name` for code, as plain text is read more often than these pages.
default_role = "literal"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

# Only pages that open with a kernel are executed, and a cell that fails fails the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "spikeloop"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}


def skip_routing(app, what, name, obj, skip, options):
    """Leave out what scikit-learn adds to every estimator: its pages refer to its own glossary."""
    return True if name in ("set_score_request", "set_fit_request") else None


def setup(app):
    add_mathml(app)
    app.connect("autodoc-skip-member", skip_routing)


write_reference(HERE / "_generated" / "reference")
write_benchmarks(HERE / "_generated" / "benchmarks.md")
