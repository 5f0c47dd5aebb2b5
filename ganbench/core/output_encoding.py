"""Output to streams that can't hold every character: the others are spelled in ASCII, and nothing fails for them.

Without this, a single `✓` or `σ` in a table would end a run before it begins on a terminal that isn't UTF-8, and a file
name of bytes that are no UTF-8 on any other.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

SPELLINGS = {
    "–": "-",
    "—": "-",
    "−": "-",
    "‖": "||",
    "·": "-",
    "×": "x",
    "…": "...",
    "“": '"',
    "”": '"',
    "’": "'",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "→": "->",
    "←": "<-",
    "∞": "inf",
    "½": "1/2",
    "√": "sqrt ",
    "✓": "ok",
    "✗": "FAILED",
}
"""Spellings of characters in our own output that no rule gives."""
ERRORS = "ganbench-spelling"
"""Name of the error handler that spells what can't be encoded."""
ASCII = "ganbench-ascii"
"""Name of ASCII as a codec of ours: click would take plain ASCII for a mistake, and write UTF-8 instead."""


def spell_unencodable_output() -> None:
    """Let standard output and standard error spell what they can't encode."""
    codecs.register_error(ERRORS, _spell_error)
    codecs.register(_find_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=ASCII if is_ascii else stream.encoding, errors=ERRORS)


def spelled(character: str) -> str:
    """Spell a character in ASCII: "sigma" for σ, "e" for é, and its number if nothing else will do."""
    if character in SPELLINGS:
        return SPELLINGS[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK "):
        return name.rpartition(" ")[2].lower()
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()


def _spell_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(spelled, error.object[error.start : error.end])), error.end


def _find_ascii(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != ASCII:
        return None
    plain = codecs.lookup("ascii")
    return codecs.CodecInfo(
        plain.encode,
        plain.decode,
        streamreader=plain.streamreader,
        streamwriter=plain.streamwriter,
        incrementalencoder=plain.incrementalencoder,
        incrementaldecoder=plain.incrementaldecoder,
        name=ASCII,
    )
