"""How the documentation is built; `make docs` does it. Nothing here needs a network, nor do the pages."""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

# What is documented is read, never fetched.
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "condensers"
author = "the condensers maintainers"
version = release = version_of("condensers")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml", "settings"]
html_math_renderer = "mathml"
exclude_patterns = ["_extensions", "_build"]
html_theme = "furo"
html_title = "condensers"
html_show_sphinx = False
html_copy_source = False
# What a block prints is no Python.
highlight_language = "none"

# A word in single backticks is a link where there is something of that name, and code where there is not.
default_role = "py:obj"
python_maximum_signature_line_length = 100
autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
# Docstrings that come from other libraries are theirs to publish.
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_custom_sections = [("Shape", "params_style"), ("Settings", "params_style")]

myst_heading_anchors = 3
