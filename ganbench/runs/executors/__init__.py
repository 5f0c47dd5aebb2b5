"""Executors of a sweep's tasks. Experiment files are the same for all of them.

An executor accepts tasks, and returns their results as they end. It automatically restarts a task whose process or
machine was lost, from its checkpoint.
"""

from __future__ import annotations

from ganbench.runs.executors.base import Executor
from ganbench.runs.executors.choice import choose

__all__ = ["Executor", "choose"]
