"""The command line: parse, build a spec, make one call, print.

Everything slow (torch, mlflow, pandas) is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

from ganbench.cli.main import main

__all__ = ["main"]
