"""Output of `ganbench check`: a plug-in's components, with a mark for each check and the problems found."""

from __future__ import annotations

from collections.abc import Callable

from ganbench.checks.base import run_checks
from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import load_plugin
from ganbench.spec.registries import REGISTRIES

PASSED, FAILED = "✓", "✗"


def components_of(target: str) -> list[tuple[str, str]]:
    """Load a plug-in, and return the (kind, name) of each component that it registers.

    These are the components that weren't registered before, and those of its own modules if it was loaded already.

    Raises:
        GanbenchError: it can't be loaded, or registers nothing.
    """
    before = {(kind, name) for kind, registry in REGISTRIES.items() for name in registry}
    module = load_plugin(target)
    components = [
        (kind, name)
        for kind, registry in REGISTRIES.items()
        for name, component in registry.items()
        if (kind, name) not in before or f"{component.__module__}.".startswith(f"{module}.")
    ]
    if not components:
        raise GanbenchError(f"'{target}' registers nothing: put @register(LOSSES, 'name') before a class, for instance")
    return components


def check_plugin(target: str, say: Callable[[str], None]) -> int:
    """Check all components that a plug-in registers, and return the exit status: 0, or 1 if a check failed.

    Args:
        target: as for `ganbench.core.plugins.load_plugin`.
        say: called with each line to print.
    """
    components = components_of(target)
    passed = failed = 0
    for kind, name in components:
        say(f"{kind}  {name}")
        for result in run_checks(kind, name):
            say(f"  {PASSED if result.problem is None else FAILED} {result.statement}")
            if result.problem is None:
                passed += 1
            else:
                failed += 1
                say(f"      {result.problem}")
        say("")
    say(f"{_count(len(components), 'component')}: {_count(passed, 'check')} passed, {failed} failed")
    return 1 if failed else 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
