"""Called by mkdocs: links out of `docs/`, which work in the repository, become words and a path in the site."""

from __future__ import annotations

import posixpath
import re
from typing import Any

_FENCES = re.compile(r"(^[ ]*```.*?^[ ]*```)", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[((?:[^\[\]`]|`[^`]*`)*)\]\((\.\./[^)\s#]*)[^)\s]*\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """A page's text, without the links that lead out of the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def mend(found: re.Match[str]) -> str:
        words, target = found.groups()
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/"):
            return found[0]
        return words if posixpath.basename(path) in words else f"{words} (`{path}`)"

    # Every second part is a block of code, which stays as it is.
    parts = _FENCES.split(markdown)
    return "".join(part if number % 2 else _LINK.sub(mend, part) for number, part in enumerate(parts))
