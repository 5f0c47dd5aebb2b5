"""One `ganbench contract` as a person sees it: a plug-in's components, each law with a mark and what was found."""

from __future__ import annotations

from collections.abc import Callable

from ganbench.checks import examine
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import load_plugin
from ganbench.spec.registries import KINDS

HOLDS, BROKEN = "✓", "✗"


def components_of(target: str) -> list[tuple[str, str]]:
    """Load a plug-in, and tell what it registers: (kind, name) of each component.

    Those are the components that weren't there before, and those of its own modules if it was loaded already.

    Raises:
        GanbenchError: it can't be loaded, or registers nothing.
    """
    before = {(kind, name) for kind, registry in KINDS.items() for name in registry}
    module = load_plugin(target)
    own = [
        (kind, name)
        for kind, registry in KINDS.items()
        for name, component in registry.items()
        if (kind, name) not in before or f"{component.__module__}.".startswith(f"{module}.")
    ]
    if not own:
        raise GanbenchError(f"'{target}' registers nothing: put @register(LOSSES, 'name') before a class, for instance")
    return own


def examine_plugin(target: str, say: Callable[[str], None]) -> int:
    """Hold all that a plug-in registers against its laws, and return the exit status: 0, or 1 where one is broken.

    Args:
        target: as for `ganbench.core.plugins.load_plugin`.
        say: prints a line.
    """
    own = components_of(target)
    holding = broken = 0
    for kind, name in own:
        say(f"{kind}  {name}")
        for finding in examine(kind, name):
            say(f"  {HOLDS if finding.broken is None else BROKEN} {finding.law}")
            if finding.broken is None:
                holding += 1
            else:
                broken += 1
                say(f"      {finding.broken}")
        say("")
    say(f"{_count(len(own), 'component')}: {_count(holding, 'law')} hold{'s' * (holding == 1)}, {broken} broken")
    return 1 if broken else 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
