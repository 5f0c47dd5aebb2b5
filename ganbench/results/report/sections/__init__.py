"""Sections of a report. Each file of this folder holds one: to add a section, add a file."""

from __future__ import annotations

from typing import Any

from ganbench.core.registry import import_folder
from ganbench.results.report.sections.base import Report, Section

__all__ = ["SECTIONS", "Report", "Section"]

import_folder(__name__, __path__)
SECTIONS: list[Section[Any]] = sorted((cls() for cls in Section.__subclasses__()), key=lambda section: section.place)
