"""Checks that every component must pass, built-in ones and those of plug-ins; one file for each kind of component."""

from __future__ import annotations

from ganbench.checks.base import CHECKS, Check, CheckFailed, CheckResult, NotApplicable, check, run_checks
from ganbench.core.registry import import_folder

__all__ = ["CHECKS", "Check", "CheckFailed", "CheckResult", "NotApplicable", "check", "run_checks"]

import_folder(__name__, __path__)
