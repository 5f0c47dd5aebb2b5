"""Checks: their definition and registration, and running all checks of its kind on a component."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch

from ganbench.core.registry import Component
from ganbench.spec.registries import REGISTRIES

C = TypeVar("C", bound=Component)

SEED = 0
"""Seed of the random numbers that a check uses, the same for every run."""


class CheckFailed(Exception):  # noqa: N818 — a result, not a failure of ours
    """A check has failed; the message says what was found, so that the component's author can act on it."""


class NotApplicable(Exception):  # noqa: N818
    """The check does not apply to this component, or not before another one passes."""


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
        statement: what must hold.
        problem: what was found instead; None if the check passed.
    """

    statement: str
    problem: str | None


@dataclass(frozen=True)
class Check:
    """A statement that must hold for every component of a kind.

    Attributes:
        statement: what must hold, a sentence.
        function: takes a component; raises `CheckFailed` if the statement is false and `NotApplicable` if it says
            nothing about this component.
        rank: "whole" for a check that uses the component as a whole; it is skipped while any other check fails.
    """

    statement: str
    function: Callable[[Any], None] = field(repr=False)
    rank: Literal["part", "whole"] = "part"

    @property
    def name(self) -> str:
        """A short name for the statement."""
        return self.function.__name__

    def run(self, component: Component) -> CheckResult | None:
        """Check a component; None if the check does not apply."""
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "There is a performance drop")  # under vmap; slow isn't wrong
                torch.manual_seed(SEED)
                self.function(component)
        except NotApplicable:
            return None
        except CheckFailed as failure:
            return CheckResult(self.statement, str(failure))
        except Exception as error:  # a component is foreign code: anything it raises is reported to its author
            return CheckResult(self.statement, raises(error))
        return CheckResult(self.statement, None)


CHECKS: dict[str, list[Check]] = {kind: [] for kind in REGISTRIES}
"""The checks of each kind, as in `ganbench.spec.registries.REGISTRIES`."""


def check(
    kind: str, statement: str, rank: Literal["part", "whole"] = "part"
) -> Callable[[Callable[[C], None]], Callable[[C], None]]:
    """Decorator: register a function as a check for a kind of component."""

    def decorate(function: Callable[[C], None]) -> Callable[[C], None]:
        CHECKS[kind].append(Check(statement, function, rank))
        return function

    return decorate


def raises(error: Exception) -> str:
    """Describe an exception in one line."""
    return f"raises {type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def must_not_raise(what: str, hint: str = "") -> Iterator[None]:
    """Fail the check if the component raises: `what` raises …; `hint`."""
    try:
        yield
    except Exception as error:  # foreign code, as in `Check.run`
        raise CheckFailed(f"{what} {raises(error)}" + f"; {hint}" * bool(hint)) from error


def run_checks(kind: str, name: str) -> list[CheckResult]:
    """Run all checks of its kind on a registered component with its default options.

    Checks that don't apply are left out, and so are checks of rank "whole" while any other check fails.
    """
    try:
        component: Component = REGISTRIES[kind].create({"name": name})
    except Exception as error:  # foreign code, as in `Check.run`
        return [CheckResult("it can be made with its default options", raises(error))]
    results: list[CheckResult] = []
    for entry in sorted(CHECKS[kind], key=lambda entry: entry.rank == "whole"):
        if entry.rank == "whole" and any(result.problem for result in results):
            break
        result = entry.run(component)
        if result is not None:
            results.append(result)
    return results
