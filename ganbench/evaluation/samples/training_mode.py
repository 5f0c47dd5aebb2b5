"""Networks that were saved in training mode: their samples are not those of the trained generator.

Saving fixes what `train()` and `eval()` switch: batch normalisation by the statistics of each batch, and dropout. A
network run in this state gives plausible samples and a wrong score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch.jit import ScriptModule

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.samples.generators import FAILED

FLAGS = ("training", "train", "use_input_stats")
"""Names by which ATen's operators take the mode."""


def refuse_training_mode(path: str, operator: str, arguments: Mapping[str, object]) -> None:
    """Raise GanbenchError if a call with these arguments, as far as they are constant, is one of training mode."""
    flag = next((name for name in FLAGS if arguments.get(name) is True), None)
    # Layers without running statistics use those of the batch in evaluation, too, and dropout of nothing is harmless.
    if flag is None or arguments.get("running_mean", ...) is None or arguments.get("p") == 0:
        return
    raise GanbenchError(
        f"'{path}' was saved in training mode: its '{operator}' has {flag}=True, so these would not be the samples of "
        f"the trained generator: call eval() on it and save it again"
    )


def refuse_script_in_training_mode(path: str, module: ScriptModule) -> None:
    """Raise GanbenchError if a program in eval mode contains calls of training mode, as one does that was traced so."""
    try:
        # What is not executed in eval mode is removed, and attributes become constants.
        graph = torch.jit.freeze(module, optimize_numerics=False).inlined_graph
    except FAILED:
        graph = module.inlined_graph
    for node in _nodes(graph):
        if node.kind().startswith("aten::") and node.schema() != "(no schema)":
            names = [argument.name for argument in torch._C.parse_schema(node.schema()).arguments]
            constants = {
                name: value.toIValue()
                for name, value in zip(names, node.inputs(), strict=False)  # some take any number
                if value.node().kind() == "prim::Constant"
            }
            refuse_training_mode(path, node.kind().removeprefix("aten::"), constants)


def _nodes(block: torch._C.Graph | torch._C.Block) -> Iterator[torch._C.Node]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
