"""Reports: a folder with a self-contained HTML page, the same in Markdown, and the numbers as CSV."""

from __future__ import annotations

from ganbench.results.report.report import write_report, write_report_again

__all__ = ["write_report", "write_report_again"]
