"""Tracking: the interface for writing and reading runs. Only `tracking/mlflow/` knows MLflow.

A run is written by one process at a time, and all writes are idempotent: after a kill the resumed run logs its last
evaluation again, without duplicates.
"""

from __future__ import annotations

from ganbench.tracking.base import COST_TAG, DONE, RESUMED_WITH, RunInfo, RunLog, RunRecord, Status, Tracker

__all__ = ["COST_TAG", "DONE", "RESUMED_WITH", "RunInfo", "RunLog", "RunRecord", "Status", "Tracker"]
