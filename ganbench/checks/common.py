"""Checks of all components, whatever their kind."""

from __future__ import annotations

from ganbench.checks.base import CHECKS, CheckFailed, check
from ganbench.core.registry import Component
from ganbench.spec.registries import REGISTRIES

SHORTEST = 20
"""The fewest characters of a summary; fewer can hardly say what a component is and where it comes from."""


def made_again(component: Component) -> None:
    registry = next(registry for registry in REGISTRIES.values() if type(component) in registry.values())
    again = registry.create(component.to_spec())
    if again != component:
        raise CheckFailed(
            f"made again from to_spec() it is {again}, not {component}: to_spec() must describe all of it"
        )


def described(component: Component) -> None:
    summary = component.summary()
    # A dataclass without a docstring gets its signature as one.
    if not summary or summary.startswith(f"{type(component).__name__}("):
        raise CheckFailed(f"the class {type(component).__name__} has no docstring")
    if len(summary) < SHORTEST:
        raise CheckFailed(
            f"the first line of its docstring is only '{summary}': say what it is in {SHORTEST} characters"
        )
    if not summary.rstrip(".").endswith(")"):
        raise CheckFailed(f"'{summary}' doesn't end with a source: add (Author et al. 2017, arXiv:…)")


for _kind in CHECKS:
    check(_kind, "its options describe all of it: made again from to_spec() it is the same")(made_again)
    check(_kind, "the first line of its docstring says what it is and ends with its source in brackets")(described)
