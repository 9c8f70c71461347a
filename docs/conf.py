"""How the manual is built: Sphinx, MyST Markdown, the furo theme; everything it shows is served from its own folder."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "evorec"
author = "the evorec authors"
version = release = installed_version("evorec")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "from_code", "gallery"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

default_role = "code"  # docstrings write `code` with single backticks, as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 110
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_title = f"evorec {release}"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
