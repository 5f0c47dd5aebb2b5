"""Published results: one number per row, with its place in the paper and the caveats needed to interpret it.

`published.csv` is the table. A number can be compared with ours only if the protocol is the same; otherwise
`difference` explains in what way it is a different number.
"""

from __future__ import annotations

from ganbench.results.claims.table import COLUMNS, PUBLISHED, SPREADS, Claim, difference, read_claims, select

__all__ = ["COLUMNS", "PUBLISHED", "SPREADS", "Claim", "difference", "read_claims", "select"]
