"""README's sentences about what is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from experiments.results_page.findings import Findings
from experiments.results_page.numbers import how_good
from experiments.results_page.study import Study

BLOCK = re.compile(r"(<!-- made by `make results` -->\n).*?(<!-- end -->)", flags=re.DOTALL)
FIRST = 3
"""Number of sentences that README shows: the first of each study, then the second."""
WORDS = (
    "*Better in 88 % of pairs*: take a run of each kind at random, and the first is better in 88 % of such pairs (in "
    "brackets: 95 % interval and corrected p), ties counting half. *Updates of G per D*: of the generator for each "
    "one of the discriminator. *A part*: a loss, or what is added to one. `kl_corrected` says how far the modes' "
    "shares are from those of the data. *A mode is missing* if it has less than a tenth of its fair share of all "
    "samples, good or blurred. The rule `kl_corrected > 1` was fixed before the first run; it isn't that of the word "
    "COLLAPSED, which also holds where samples repeat others evenly. *A quiet end*: decaying learning rates and an "
    "averaged generator."
)


def readme(text: str, found: Sequence[tuple[Study, Findings]]) -> str:
    """README with the first sentences of the studies in turn, a picture, and what their words mean."""
    of_studies = (
        [f"- *{study.asked}* {sentence}." for sentence in findings_of.short_answers] for study, findings_of in found
    )
    sentences = [sentence for turn in zip_longest(*of_studies) for sentence in turn if sentence][:FIRST]
    pictures = [findings_of.samples.replace("](images/", "](docs/images/") for _, findings_of in found]
    picture = next(filter(None, pictures), "")
    parts = ["\n".join(sentences), *([picture] if picture else []), *how_good([study for study, _ in found]), WORDS]
    return BLOCK.sub(lambda match: "\n".join([match[1], "\n\n".join(parts), "", match[2]]), text)
