"""A plug-in for ganbench: a relativistic hinge loss, and a zero-centred gradient penalty between samples."""

from ganbench_margin import relativistic_hinge, zero_centred

__all__ = ["relativistic_hinge", "zero_centred"]
