"""The documentation as a site: `make docs`. Nothing is fetched from elsewhere when it is read."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "ganbench"
author = "the ganbench authors"
copyright = f"2026, {author}"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["*.py", "_static"]
html_theme = "furo"
html_title = f"ganbench {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"
myst_heading_anchors = 4  # with the names that GitHub gives them
copybutton_prompt_text = r"\$ "
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_use_ivar = True
napoleon_numpy_docstring = False

NAVIGATION = {
    "Start": ["start", "tutorial", "ko/tutorial", "gallery", "results"],
    "How to": [
        "howto/own-loop",
        "howto/own-data",
        "howto/vectors",
        "howto/use-a-generator",
        "howto/pandas",
        "howto/clusters",
        "howto/notebooks",
        "offline",
        "server",
        "extending",
        "howto/submit",
    ],
    "Measuring": ["protocols", "measuring", "metrics", "sanity"],
    "Methods": ["losses", "parts", "laboratory", "papers", "comparing", "leaderboard"],
    "Reference": ["api", "glossary", "faq", "changelog"],
    "Behind it": ["architecture", "performance", "reliability", "decisions/README"],
}
"""Pages by caption. The list is here, since a reader of the repository sees it as a block of code."""

_FENCES = re.compile(r"(^[ ]*```.*?^[ ]*```)", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[((?:[^\[\]`]|`[^`]*`)*)\]\((\.\./[^)\s#]*)[^)\s]*\)")


def without_outside_links(markdown: str, page: str) -> str:
    """A page's text, without the links that lead out of the site.

    Args:
        page: its name in `docs/`, as in `ko/tutorial`.
    """
    folder = posixpath.dirname(page)

    def mend(found: re.Match[str]) -> str:
        words, target = found.groups()
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/"):
            return found[0]
        return words if posixpath.basename(path) in words else f"{words} (`{path}`)"

    # Every second part is a block of code, which stays as it is.
    parts = _FENCES.split(markdown)
    return "".join(part if number % 2 else _LINK.sub(mend, part) for number, part in enumerate(parts))


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Prepare a page: the navigation below the first, and no links out of the site."""
    if page == "index":
        content[0] += "".join(
            f"\n```{{toctree}}\n:caption: {caption}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"
            for caption, pages in NAVIGATION.items()
        )
    if page == "decisions/README":
        names = sorted(path.stem for path in (Path(app.srcdir) / "decisions").glob("0*.md"))
        content[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
    content[0] = without_outside_links(content[0], page)


def process_docstring(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Let stars, underscores and bars of docstrings mean themselves, outside of code."""
    for number, line in enumerate(lines):
        parts = re.split(r"(`[^`]*`|\*\*?[a-z_]+:)", line)
        lines[number] = "".join(
            part if place % 2 else re.sub(r"([*|]|_(?=\W|$))", r"\\\1", part) for place, part in enumerate(parts)
        )


def setup(app: Sphinx) -> None:
    """Connect the functions above to the events of a build."""
    app.connect("source-read", read_source)
    app.connect("autodoc-process-docstring", process_docstring, priority=100)
