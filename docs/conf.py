"""The guide as a site: tools/site builds it with Debian's Sphinx, without a network."""
project = "pathline"
html_title = "pathline"
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
source_suffix = {".md": "markdown"}
html_theme = "sphinx_rtd_theme"
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["pathline.css"]
mathjax_path = "mathjax/MathJax.js?config=TeX-AMS_CHTML"
# Pages name files of the source tree and the reference, which are not pages of Sphinx.
suppress_warnings = ["myst.xref_missing"]
# Debian has MathJax 2; MyST configures MathJax 3 and hides everything but formulas from it.
myst_update_mathjax = False
mathjax2_config = {"tex2jax": {"processClass": "math", "ignoreClass": "tex2jax_ignore|mathjax_ignore"}}
