"""Reports: a folder with a self-contained HTML page, the same in Markdown, and the numbers as CSV."""

from __future__ import annotations

from ganbench.results.report.report import write_report, write_report_again
from ganbench.results.report.sources import read_sources, title_of

__all__ = ["read_sources", "title_of", "write_report", "write_report_again"]
