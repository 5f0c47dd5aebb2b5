"""Own data sets on the screen: what their real images score, and what an examination found."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import with_sd
from ganbench.core.mode_words import with_noun
from ganbench.core.plain_text import without_control
from ganbench.core.screen import screen_width, wrapped
from ganbench.data import Dataset
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.examine_own_data import Remark
from ganbench.evaluation.scorer import known_floors

SIGNS = {"right": "✓", "limit": "△", "wrong": "✗"}


def show_floors(name: str) -> str:
    """The scores of real images of a data set by the default protocol's headline metrics, as far as they are known.

    Nothing is measured or loaded for it: the first evaluation of a run or of samples measures floors, and keeps them.
    """
    try:
        dataset, protocol = dataset_and_protocol({"name": name}, {"name": Dataset.protocol})
        case = protocol.case(dataset)
        samples = dataset.scorable(case.samples)
        floors = known_floors(case, dataset, samples)
    except GanbenchError as error:  # the card that people read may be whole where the other one isn't
        return wrapped(f"floors      unknown: {without_control(str(error))}", screen_width())
    if not floors:
        return "floors      not measured yet: the first evaluation does it"
    rows = [f"{with_noun(metric, dataset.mode_word):<24} {with_sd(*floor):>20}" for metric, floor in floors.items()]
    return "\n".join([f"{'floor':<24} {'real images':>20}   {samples:,} of them, under {protocol.name}", *rows])


def show_remarks(name: str, remarks: Sequence[Remark]) -> str:
    """The remarks on a data set, a line each, and what follows from them."""
    width = screen_width()
    wrong = sum(remark.kind == "wrong" for remark in remarks)
    checks = sum(remark.kind != "limit" for remark in remarks)
    end = f"{name}: {wrong} of {checks} checks failed" if wrong else f"{name} can be used"
    lines = [wrapped(f"{SIGNS[remark.kind]} {without_control(remark.words)}", width) for remark in remarks]
    return "\n".join([*lines, end])
