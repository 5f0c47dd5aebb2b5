"""Own data sets on the screen: the floors of metrics, and what an examination found."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import with_sd
from ganbench.core.plain_text import without_control
from ganbench.core.screen import screen_width, wrapped
from ganbench.data import Dataset
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.examine_own_data import Remark
from ganbench.evaluation.scorer import Scorer

SIGNS = {"right": "✓", "limit": "△", "wrong": "✗"}


def show_floors(name: str) -> str:
    """The floors that are known under the default protocol, a line each; or a line that says why there are none."""
    try:
        dataset, protocol = dataset_and_protocol({"name": name}, {"name": Dataset.protocol})
        case = protocol.case(dataset)
        samples = dataset.scorable(case.samples)
        scorer = Scorer.with_disk_cache(case, dataset, dataset.load(torch.device("cpu")))
        floors = scorer.known_floors(samples, tuple(case.metrics))
    except GanbenchError as error:
        return wrapped(f"floors      unknown: {without_control(str(error))}", screen_width())
    where = f"{protocol.name} with {samples:,} real samples"
    if not floors:
        return f"floors      not measured yet: the first evaluation does it ({where})"
    rows = [f"{metric:<24} {with_sd(*floor):>20}" for metric, floor in floors.items()]
    return "\n".join([f"{'floor':<24} {'real data':>20}   {where}", *rows])


def show_remarks(name: str, remarks: Sequence[Remark]) -> str:
    """The remarks on a data set, a line each, and what follows from them."""
    width = screen_width()
    wrong = sum(remark.kind == "wrong" for remark in remarks)
    checks = sum(remark.kind != "limit" for remark in remarks)
    end = f"{name}: {wrong} of {checks} checks failed" if wrong else f"{name} can be used"
    lines = [wrapped(f"{SIGNS[remark.kind]} {without_control(remark.words)}", width) for remark in remarks]
    return "\n".join([*lines, end])
