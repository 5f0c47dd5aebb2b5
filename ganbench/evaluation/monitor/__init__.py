"""The monitor of any training loop: samples in, numbers and collapse events out."""

from __future__ import annotations

from ganbench.evaluation.monitor.monitor import Monitor

__all__ = ["Monitor"]
