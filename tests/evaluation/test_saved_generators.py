"""Generators saved in any mode and number type: run as their network would be run, or refused with the reason."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import stream
from ganbench.evaluation.samples import GeneratorSource, read_samples

POINT = (2,)
Save = Callable[[nn.Module, Path, Tensor], None]


def export(network: nn.Module, path: Path, example: Tensor) -> None:
    shapes = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=shapes), path)


def export_core(network: nn.Module, path: Path, example: Tensor) -> None:
    """As core ATen, into which `run_decompositions()` turns a program."""
    shapes = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=shapes).run_decompositions(), path)


def trace(network: nn.Module, path: Path, example: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.save(torch.jit.trace(network, example, check_trace=False), str(path))


def script(network: nn.Module, path: Path, example: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(network), str(path))


def read(path: Path, latent_shape: tuple[int, ...] = (3,)) -> Tensor:
    return read_samples(path, POINT, generator=GeneratorSource(500, latent_shape)).tensor


def latents() -> Tensor:
    return torch.randn(500, 3, generator=stream(0, "evaluation", 0))


class Attention(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, hidden: Tensor) -> Tensor:
        parts = hidden.reshape(-1, 2, 4)
        dropout = self.dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(parts, parts, parts, dropout_p=dropout).reshape(-1, 8)


SWITCHED: dict[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: nn.BatchNorm1d(8),
    "dropout": nn.Dropout,
    "alpha dropout": nn.AlphaDropout,
    "instance norm": lambda: nn.Sequential(
        nn.Unflatten(1, (2, 4)), nn.InstanceNorm1d(2, track_running_stats=True), nn.Flatten()
    ),
    "random slopes": nn.RReLU,
    "attention": lambda: Attention(0.5),
}
"""Layers that do something else in training mode."""
FIXED: dict[str, Callable[[], nn.Module]] = {
    "no dropout": lambda: nn.Dropout(0.0),
    "layer norm": lambda: nn.LayerNorm(8),
    "attention without dropout": lambda: Attention(0.0),
    "batch norm without running statistics": lambda: nn.BatchNorm1d(8, track_running_stats=False),
    "instance norm": lambda: nn.Sequential(nn.Unflatten(1, (2, 4)), nn.InstanceNorm1d(2), nn.Flatten()),
}
"""Layers that do the same in both modes."""


def network_with(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), layer, nn.Linear(8, 2))


@pytest.mark.parametrize("save", [export, export_core, trace])
@pytest.mark.parametrize("layer", SWITCHED)
def test_generator_saved_in_training_mode_is_refused(tmp_path: Path, save: Save, layer: str) -> None:
    path = tmp_path / "x.pt2"
    network = network_with(SWITCHED[layer]())
    save(network.train(), path, torch.randn(4, 3))
    others = r"alpha_dropout|rrelu|bernoulli|empty"
    with pytest.raises(GanbenchError, match=rf"training mode|operator 'torch.ops.aten.({others})"):
        read(path)


@pytest.mark.parametrize("save", [export, export_core, trace])
def test_generator_saved_in_eval_mode_is_run(tmp_path: Path, save: Save) -> None:
    layers = [SWITCHED[layer]() for layer in ("batch norm", "dropout", "attention")]
    network = network_with(nn.Sequential(*layers)).eval()
    save(network, tmp_path / "x.pt2", torch.randn(4, 3))
    with torch.no_grad():
        assert torch.allclose(read(tmp_path / "x.pt2"), network(latents()), atol=1e-6)


@pytest.mark.parametrize("save", [export, export_core, trace])
def test_layers_that_know_no_mode_are_run_as_they_are(tmp_path: Path, save: Save) -> None:
    """All in one network: it is refused, or changed, if any of them is."""
    network = network_with(nn.Sequential(*[layer() for layer in FIXED.values()])).train()
    save(network, tmp_path / "x.pt2", torch.randn(4, 3))
    with torch.no_grad():
        assert torch.allclose(read(tmp_path / "x.pt2"), network(latents()), atol=1e-6)


class OnlyInTraining(nn.Module):
    def forward(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden, 0.5, True) if self.training else hidden


class Always(nn.Module):
    def forward(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden)  # its default is training=True


def test_scripted_generator_is_switched_to_eval_mode_as_far_as_it_can_be(tmp_path: Path) -> None:
    for layer in (nn.BatchNorm1d(8), nn.Dropout(), OnlyInTraining()):
        network = network_with(layer)
        script(network.train(), tmp_path / "x.pt", latents())
        with torch.no_grad():
            assert torch.allclose(read(tmp_path / "x.pt"), network.eval()(latents()), atol=1e-6)
    script(network_with(Always()).eval(), tmp_path / "x.pt", latents())
    with pytest.raises(GanbenchError, match="training mode"):
        read(tmp_path / "x.pt")


@pytest.mark.parametrize("save", [export, trace, script])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_generator_of_another_float_type_gets_latents_of_its_type(
    tmp_path: Path, save: Save, dtype: torch.dtype
) -> None:
    network = network_with(nn.ReLU()).to(dtype).eval()
    save(network, tmp_path / "x.pt2", torch.zeros(4, 3, dtype=dtype))
    with torch.no_grad():
        assert torch.equal(read(tmp_path / "x.pt2"), network(latents().to(dtype)).float())


class Masked(nn.Module):
    """Softmax over a hidden layer in which some are masked with a constant."""

    def __init__(self, constant: float) -> None:
        super().__init__()
        self.constant = constant
        self.linear = nn.Linear(3, 2)

    def forward(self, noise: Tensor) -> Tensor:
        hidden = self.linear(noise)
        return torch.softmax(hidden.masked_fill(hidden < hidden.amax(1, keepdim=True), self.constant), 1)


class Unbounded(nn.Module):
    def forward(self, noise: Tensor) -> Tensor:
        return noise[:, :2].clamp(-torch.inf, 0.5) + torch.where(noise[:, :2] > 1e9, torch.nan, 0.0)


@pytest.mark.parametrize("network", [Masked(-torch.inf), Unbounded()])
def test_constants_that_json_lacks_are_read(tmp_path: Path, network: nn.Module) -> None:
    export(network, tmp_path / "x.pt2", torch.randn(4, 3))
    with torch.no_grad():
        assert torch.allclose(read(tmp_path / "x.pt2"), network(latents()))


class OfLabels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 2)

    def forward(self, labels: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(labels)
        return embedded.reshape(-1, 2)


class OfScalars(nn.Module):
    def forward(self, noise: Tensor) -> Tensor:
        return torch.stack([noise, noise], 1)


@pytest.mark.parametrize(
    ("network", "example"),
    [
        (OfLabels(), torch.zeros(4, dtype=torch.int64)),
        (OfLabels(), torch.zeros(4, 1, dtype=torch.int32)),
        (OfScalars(), torch.zeros(4)),
    ],
)
@pytest.mark.parametrize("latent_shape", [None, (1,), (100,)])
def test_input_that_is_no_latent_is_refused_with_a_way_out(
    tmp_path: Path, network: nn.Module, example: Tensor, latent_shape: tuple[int, ...] | None
) -> None:
    """No size given to --latent-shape could help."""
    export(network, tmp_path / "x.pt2", example)
    with pytest.raises(GanbenchError, match=r"has an input .* save samples as .npz"):
        read_samples(tmp_path / "x.pt2", POINT, generator=GeneratorSource(5, latent_shape))


def test_failing_script_says_what_it_was_given(tmp_path: Path) -> None:
    script(OfLabels(), tmp_path / "x.pt", torch.zeros(4, 1, dtype=torch.int64))
    with pytest.raises(GanbenchError, match=r"given one float32 tensor \[500, 3\] of latents, fails .*\.npz"):
        read(tmp_path / "x.pt")
