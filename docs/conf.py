"""Sphinx configuration. What is made of the installed algorithms is the work of docs/builder."""

import sys
from pathlib import Path

import weightopt_core

HERE = Path(__file__).parent
# The builder, and the package that installs all, whose module examples call `weightopt`.
sys.path[:0] = [str(HERE), str(HERE.parent / "meta")]

project = "weightopt"
author = "the weightopt authors"
copyright = author
version = release = weightopt_core.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "builder",
]
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
default_role = "autolink"
exclude_patterns = ["_build", "builder"]
templates_path = ["_templates"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"weightopt {version}"
html_static_path = ["_static"]
html_css_files = ["weightopt.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
linkcheck_timeout = 20
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "reset_modules": ("matplotlib", "builder.pictures.style.of_gallery"),
    "show_memory": False,
    "min_reported_time": 1000,
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
}
