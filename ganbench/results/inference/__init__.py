"""Statistical inference over seeds: intervals, tests, the winner, and the number of seeds that would decide.

The unit is the training seed. A seed that failed (diverged, or was killed) has no score and is represented by NaN; it
is not left out, but ranks below every seed with a score. Everything works on *losses* (lower is better); `as_losses`
converts scores to losses.
"""

from ganbench.results.inference.contrasts import (
    Contrast,
    Lead,
    contrast,
    find_lead,
    is_better,
    shows_better,
)
from ganbench.results.inference.intervals import MIN_SEEDS, Estimate, Interval, estimate, iqm_difference
from ganbench.results.inference.losses import Values, as_losses, iqm, profile
from ganbench.results.inference.ranks import better_with_probability, mann_whitney, superiority
from ganbench.results.inference.seeds_needed import seeds_needed
from ganbench.results.inference.tested import Tested, corrected, holm

__all__ = [
    "MIN_SEEDS",
    "Contrast",
    "Estimate",
    "Interval",
    "Lead",
    "Tested",
    "Values",
    "as_losses",
    "better_with_probability",
    "contrast",
    "corrected",
    "estimate",
    "find_lead",
    "holm",
    "iqm",
    "iqm_difference",
    "is_better",
    "mann_whitney",
    "profile",
    "seeds_needed",
    "shows_better",
    "superiority",
]
