"""What every component must hold to, as laws that a component can be held against: built-in ones and those of plug-ins.

A law is a sentence and a function that looks whether it holds; where it doesn't, it says in words what it found. Each
kind of component has its laws in one file, which is their only mention.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch

from ganbench.core.registry import Component, import_folder
from ganbench.spec.registries import KINDS

C = TypeVar("C", bound=Component)

SEED = 0
"""Of the random numbers that a check draws: the same each time."""


class CheckFailed(Exception):  # noqa: N818 — a finding, no failure of ours
    """A law doesn't hold; the message says what was found, in words that an author can act on."""


class NotApplicable(Exception):  # noqa: N818
    """The law says nothing about this component, or nothing before another one holds."""


@dataclass(frozen=True)
class CheckResult:
    """A law, and where it is broken what was found."""

    law: str
    broken: str | None


@dataclass(frozen=True)
class Check:
    """A law that every component of a kind must hold to.

    Attributes:
        law: what must hold, a sentence.
        look: given a component, raises `CheckFailed` where the law doesn't hold, and `NotApplicable` where it says
            nothing about this one.
        rank: "whole" for what puts a component to its whole use, which tells nothing while other laws are broken.
    """

    law: str
    look: Callable[[Any], None] = field(repr=False)
    rank: Literal["part", "whole"] = "part"

    @property
    def name(self) -> str:
        """The law in a word or two."""
        return self.look.__name__

    def finding(self, component: Component) -> CheckResult | None:
        """What is found of a component; None where the law isn't for it."""
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.filterwarnings("ignore", "There is a performance drop")  # under vmap; slow isn't wrong
                torch.manual_seed(SEED)
                self.look(component)
        except NotApplicable:
            return None
        except CheckFailed as broken:
            return CheckResult(self.law, str(broken))
        except Exception as error:  # a component is somebody else's code: whatever it raises is news for its author
            return CheckResult(self.law, raises(error))
        return CheckResult(self.law, None)


CHECKS: dict[str, list[Check]] = {kind: [] for kind in KINDS}
"""The laws of each kind, as in `ganbench.spec.registries.KINDS`."""


def law(
    kind: str, sentence: str, rank: Literal["part", "whole"] = "part"
) -> Callable[[Callable[[C], None]], Callable[[C], None]]:
    """Decorator: make a function the check of a law for a kind of component."""

    def decorate(look: Callable[[C], None]) -> Callable[[C], None]:
        CHECKS[kind].append(Check(sentence, look, rank))
        return look

    return decorate


def raises(error: Exception) -> str:
    """An exception on one line."""
    return f"raises {type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def must_not_raise(what: str, hint: str = "") -> Iterator[None]:
    """Whatever the component raises in here breaks the law: `what` raises …; `hint`."""
    try:
        yield
    except Exception as error:  # somebody else's code, as in `Check.finding`
        raise CheckFailed(f"{what} {raises(error)}" + f"; {hint}" * bool(hint)) from error


def examine(kind: str, name: str) -> list[CheckResult]:
    """Hold a registered component, with its default options, against the laws of its kind.

    Laws that aren't for it are left out, and so is its use as a whole while any other law is broken.
    """
    try:
        component: Component = KINDS[kind].create({"name": name})
    except Exception as error:  # somebody else's code, as in `Check.finding`
        return [CheckResult("it can be made with its default options", raises(error))]
    findings: list[CheckResult] = []
    for check in sorted(CHECKS[kind], key=lambda check: check.rank == "whole"):
        if check.rank == "whole" and any(finding.broken for finding in findings):
            break
        found = check.finding(component)
        if found is not None:
            findings.append(found)
    return findings


import_folder(__name__, __path__)
