"""Architectures: sizes counted by hand, networks written out as in their papers, and requirements on critics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.methods.archs import ARCHS, Arch
from ganbench.methods.archs.pacgan_2d import Maxout
from ganbench.methods.archs.pacgan_dcgan import SamePadding, SameTransposed
from ganbench.methods.archs.r3gan_small import GAIN, Block, Down, Up
from ganbench.methods.layers import Head
from ganbench.methods.wrappers import WRAPPERS, Wrapper
from tests.reference import archs as textbook

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"latent_dim": 3, "generator_widths": (8,), "critic_widths": (12, 8)},
    "dcgan": {"latent_dim": 3, "generator_width": 4, "critic_width": 4},
    "infogan": {"latent_dim": 3, "generator_width": 4, "critic_width": 4, "dense_width": 8},
    "resnet": {"latent_dim": 3, "generator_width": 4, "critic_width": 4},
    "r3gan-small": {"latent_dim": 3, "generator_width": 8, "critic_width": 8, "group_size": 4},
    "pacgan-2d": {"generator_widths": (8, 8), "critic_widths": (8, 4), "pieces": 3},
    "pacgan-dcgan": {"latent_dim": 3, "generator_widths": (16, 8, 4), "critic_widths": (4, 8, 16)},
    "pacgan-dcgan-small": {"latent_dim": 3, "critic_scale": 1.0, "critic_widths": (4, 8)},
}
QUARTERING = ["dcgan", "infogan", "resnet", "r3gan-small"]
"""Architectures for images whose side is a multiple of 4."""
IMAGE_ARCHS = [*QUARTERING, "pacgan-dcgan", "pacgan-dcgan-small"]
IMAGE_SHAPES = [(1, 28, 28), (3, 28, 28), (1, 32, 32)]


def make(name: str, **options: Any) -> Arch:
    return ARCHS.create({"name": name, **options})


def make_wrapper(name: str) -> Wrapper:
    return WRAPPERS.create({"name": name})


def make_small(name: str, **options: Any) -> Arch:
    return make(name, **(SMALL[name] | options))


def small_shape(name: str) -> tuple[int, ...]:
    return (1, 8, 8) if name in IMAGE_ARCHS else (2,)


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def heads(network: nn.Module) -> list[Head]:
    return [module for module in network.modules() if isinstance(module, Head)]


def with_random_weights(network: nn.Module) -> tuple[nn.Module, list[Tensor]]:
    """A float64 network with random parameters, none of them zero or one, and the parameters in order."""
    network = network.double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape))
    return network, [parameter.detach() for parameter in network.parameters()]


# A convolution of c channels to d with kernel k has c·d·k² weights.
SIZES = {
    "infogan": (
        64 * 1024 + 2 * 1024 + 1024 * 6272 + 2 * 6272 + 128 * 64 * 16 + 2 * 64 + 64 * 16 + 1,
        (16 * 64 + 64) + (64 * 128 * 16 + 128) + (6272 * 1024 + 1024) + 1025,
    ),
    "resnet": (
        (128 * 64 * 49 + 64 * 49)
        + 2 * (2 * 64 + 64 * 64 * 9 + 2 * 64 + (64 * 64 * 9 + 64) + (64 * 64 + 64))
        + 2 * 64
        + (64 * 9 + 1),
        (64 * 9 + 64) + (64 + 64) + (64 * 64 + 64) + 5 * (64 * 64 * 9 + 64) + 65,
    ),
    "r3gan-small": (
        64 * 49 + 64 * 64 + 3 * (64 * 128 + 128 + 128 * 16 * 9 + 128 + 128 * 64) + 64,
        64 + 3 * (64 * 128 + 128 + 128 * 16 * 9 + 128 + 128 * 64) + 64 * 49 + 65,
    ),
    "pacgan-2d": (
        2 * 400 + 3 * 400 * 400 + 4 * 2 * 400 + (400 * 2 + 2),
        (2 * 1000 + 1000) + 2 * (200 * 1000 + 1000) + 201,
    ),
}

# Stacked-MNIST, 28×28×3. In the authors' code layers before BatchNorm have biases, which it cancels; here they don't.
CANCELLED = {"pacgan-dcgan": (512 * 4 + 256 + 128 + 64, 0), "pacgan-dcgan-small": (64 * 16 + 32 + 16 + 8, 0)}
OF_PACGAN = {
    "pacgan-dcgan": (
        (100 * 512 * 4 + 512 * 4 + 2 * 512)
        + (512 * 256 * 25 + 256 + 2 * 256)
        + (256 * 128 * 25 + 128 + 2 * 128)
        + (128 * 64 * 25 + 64 + 2 * 64)
        + (64 * 3 * 25 + 3),
        # The critic by itself, without the scales and shifts of its BatchNorm, which the wrapper adds.
        (3 * 64 * 25 + 64)
        + (64 * 128 * 25 + 128)
        + (128 * 256 * 25 + 256)
        + (256 * 512 * 25 + 512)
        + (512 * 2 * 2 + 1),
    ),
    "pacgan-dcgan-small": (
        (256 * 64 * 16 + 64 * 16 + 2 * 64)
        + (64 * 32 * 9 + 32 + 2 * 32)
        + (32 * 16 * 9 + 16 + 2 * 16)
        + (16 * 8 * 9 + 8 + 2 * 8)
        + (8 * 3 * 9 + 3),
        (3 * 2 * 9 + 2) + (2 * 4 * 9 + 4) + (4 * 8 * 9 + 8) + (8 * 4 * 4 + 1),
    ),
}


@pytest.mark.parametrize("name", list(OF_PACGAN))
def test_pacgans_networks_have_the_sizes_of_the_authors_code(name: str) -> None:
    arch, shape = make(name), (3, 28, 28)
    sizes = size(arch.generator(shape)), size(arch.critic(shape))
    assert tuple(own + left_out for own, left_out in zip(sizes, CANCELLED[name], strict=True)) == OF_PACGAN[name]


def test_pacgans_networks_of_table_2_have_the_published_sizes() -> None:
    generator, critic = OF_PACGAN["pacgan-dcgan"]
    normalised = make_wrapper("batch-norm").wrap(make("pacgan-dcgan").critic((3, 28, 28)), 64)
    scales_and_shifts, biases = 2 * (128 + 256 + 512), 128 + 256 + 512
    assert size(normalised) == critic + scales_and_shifts - biases
    assert (round(generator / 1e6, 2), round((critic + scales_and_shifts) / 1e6, 2)) == (4.51, 4.31)


def test_discriminators_of_table_3_have_a_quarter_and_half_of_the_widths() -> None:
    """With BatchNorm after all convolutions, as in the authors' code."""
    for scale, widths in ((0.25, (2, 4, 8)), (0.5, (4, 8, 16)), (1.0, (8, 16, 32))):
        critic = make("pacgan-dcgan-small", critic_scale=scale).critic((6, 28, 28))
        normalised = make_wrapper("batch-norm-everywhere").wrap(critic, 128)
        kernels = 9 * (6 * widths[0] + widths[0] * widths[1] + widths[1] * widths[2])
        assert size(normalised) == kernels + 2 * sum(widths) + (16 * widths[2] + 1)
        assert normalised(torch.zeros(256, 6, 28, 28)).shape == (256,)


@pytest.mark.parametrize(("side", "kernel"), [(28, 5), (14, 5), (7, 5), (4, 5), (7, 3), (14, 3), (28, 3), (1, 5)])
def test_padded_convolution_and_its_transpose_are_tensorflows(side: int, kernel: int) -> None:
    """TensorFlow centres output pixel i at 2i + (k − 1)/2 − ⌊margin/2⌋, and has ⌈side/2⌉ of them."""
    half = math.ceil(side / 2)
    images, weight = torch.randn(1, 1, side, side).double(), torch.randn(1, 1, kernel, kernel).double()
    before = max(0, 2 * (half - 1) + kernel - side) // 2
    expected = torch.zeros(1, 1, half, half).double()
    for row in range(half):
        for column in range(half):
            for i in range(kernel):
                for j in range(kernel):
                    y, x = 2 * row + i - before, 2 * column + j - before
                    if 0 <= y < side and 0 <= x < side:
                        expected[0, 0, row, column] += weight[0, 0, i, j] * images[0, 0, y, x]
    ours = nn.functional.conv2d(SamePadding(kernel, side)(images), weight, stride=2)
    torch.testing.assert_close(ours, expected)
    # The transposed layer is the adjoint: <y, A x> = <Aᵀ y, x>.
    transposed = SameTransposed(1, 1, kernel, side, bias=False).double()
    with torch.no_grad():
        transposed.weight.copy_(weight)
        other = torch.randn(1, 1, half, half).double()
        torch.testing.assert_close((transposed(other) * images).sum(), (other * expected).sum())


def test_pacgans_networks_for_images_reject_points_and_rectangles() -> None:
    for name in OF_PACGAN:
        for shape in ((2,), (1, 28, 32)):
            for build in (make(name).generator, make(name).critic):
                with pytest.raises(ValueError, match="square images"):
                    build(shape)


def test_initial_weights_of_pacgans_networks_are_those_of_the_authors_code() -> None:
    """Those of D's convolutions are cut off at two deviations, which leaves .8796 of the deviation."""
    torch.manual_seed(0)
    for network in (make("pacgan-dcgan").generator((3, 28, 28)), make("pacgan-dcgan").critic((3, 28, 28))):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                truncated = isinstance(layer, nn.Conv2d)
                deviation = layer.weight.square().mean().sqrt().item()
                expected = 0.02 * (0.8796 if truncated else 1)
                assert deviation == pytest.approx(expected, rel=5 / math.sqrt(2 * layer.weight.numel()))
                assert (layer.weight.abs().max() <= 0.04) or not truncated
                assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("name", list(SIZES))
def test_number_of_weights_equals_the_papers_counted_by_hand(name: str) -> None:
    shape = (1, 28, 28) if name in IMAGE_ARCHS else (2,)
    arch = make(name)
    assert (size(arch.generator(shape)), size(arch.critic(shape))) == SIZES[name]


def test_latents_match_the_papers() -> None:
    assert [(make(name).latent, make(name).latent_dim) for name in SIZES] == [
        ("uniform", 64),
        ("normal", 128),
        ("normal", 64),
        ("normal", 2),
    ]


@pytest.mark.parametrize("name", ["infogan", "pacgan-2d"])
def test_initial_weights_are_normal_with_deviation_0_02_and_biases_zero(name: str) -> None:
    arch, shape = make(name), (1, 28, 28) if name in IMAGE_ARCHS else (2,)
    for network in (arch.generator(shape), arch.critic(shape)):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                count = layer.weight.numel()
                deviation = layer.weight.square().mean().sqrt().item()
                assert deviation == pytest.approx(0.02, rel=5 / math.sqrt(2 * count)), "five standard errors"
                assert layer.bias is None or not layer.bias.any()


def test_initial_weights_of_resnet_have_the_papers_scale() -> None:
    """The variance is 4/(fan-in + fan-out) on main paths, after a ReLU, and 2/(fan-in + fan-out) elsewhere."""
    torch.manual_seed(0)
    for network in (make("resnet").generator((1, 28, 28)), make("resnet").critic((1, 28, 28))):
        for name, weight in network.named_parameters():
            if weight.ndim > 1:
                pixels = weight[0, 0].numel()
                variance = (4 if ".main." in name else 2) / (pixels * (weight.shape[0] + weight.shape[1]))
                assert weight.square().mean().item() == pytest.approx(variance, rel=5 / math.sqrt(weight.numel())), name
            elif name.endswith("bias"):
                assert not weight.any(), name


@pytest.mark.parametrize("shape", IMAGE_SHAPES)
@pytest.mark.parametrize("name", IMAGE_ARCHS)
def test_generator_and_critic_support_all_image_shapes_and_packs(name: str, shape: tuple[int, ...]) -> None:
    arch = make_small(name)
    samples = arch.generator(shape)(torch.randn(4, arch.latent_dim))
    assert samples.shape == (4, *shape)
    assert samples.abs().max() <= 1
    assert arch.critic(shape)(samples).shape == (4,)
    packs = samples.view(2, 2 * shape[0], *shape[1:])
    assert arch.critic(packs.shape[1:])(packs).shape == (2,)


@pytest.mark.parametrize("shape", [(2,), (1, 28, 32), (1, 30, 30), (28, 28)])
@pytest.mark.parametrize("name", QUARTERING)
def test_unsupported_shapes_are_rejected(name: str, shape: tuple[int, ...]) -> None:
    for build in (make_small(name).generator, make_small(name).critic):
        with pytest.raises(ValueError, match="side is a multiple of 4"):
            build(shape)


@pytest.mark.parametrize("name", ["dcgan", "resnet", "r3gan-small"])
def test_more_doublings_make_larger_images_from_the_same_base(name: str) -> None:
    arch = make_small(name, doublings=4)
    generator, critic = arch.generator((1, 64, 64)), arch.critic((1, 64, 64))
    sides = []
    for layer in generator.children():
        layer.register_forward_hook(lambda layer, inputs, output: sides.append(output.shape[-1]))
    samples = generator(torch.randn(2, arch.latent_dim))
    assert sorted(set(sides) & {4, 8, 16, 32, 64}) == [4, 8, 16, 32, 64]
    assert critic(samples).shape == (2,)
    with pytest.raises(ValueError, match="side is a multiple of 16"):
        arch.generator((1, 28, 28))
    assert "doublings" not in make_small(name).to_spec()


def test_network_for_points_rejects_images_and_accepts_packs_of_points() -> None:
    arch = make_small("pacgan-2d")
    for build in (arch.generator, arch.critic):
        with pytest.raises(ValueError, match="makes points"):
            build((1, 28, 28))
    assert arch.generator((2,))(torch.randn(5, 2)).shape == (5, 2)
    assert arch.critic((4,))(torch.randn(5, 4)).shape == (5,)


@pytest.mark.parametrize("name", list(SMALL))
def test_critic_ends_in_a_single_head_and_has_no_buffers(name: str) -> None:
    critic = make_small(name).critic(small_shape(name))
    assert len(heads(critic)) == 1
    assert next(reversed(list(critic.children()))) is heads(critic)[0]
    assert not list(critic.buffers())


@pytest.mark.parametrize("name", list(SMALL))
def test_critic_scale_multiplies_only_hidden_widths_of_the_critic(name: str) -> None:
    def widths(scale: float) -> list[int]:
        critic = make_small(name, critic_scale=scale).critic(small_shape(name))
        layers = [layer for layer in critic.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        assert layers[-1] is heads(critic)[0].linear
        return [len(layer.weight) for layer in layers[:-1]]

    assert [width * 2 for width in widths(0.5)] == widths(1) == [width / 3 for width in widths(3)]
    assert len(widths(1)) >= 2
    generators = {size(make_small(name, critic_scale=scale).generator(small_shape(name))) for scale in (0.5, 1, 3)}
    assert len(generators) == 1


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.77, 1.9])
@pytest.mark.parametrize("name", list(SMALL))
def test_critic_can_be_built_with_any_scale(name: str, scale: float) -> None:
    shape = small_shape(name)
    assert make_small(name, critic_scale=scale).critic(shape)(torch.zeros(3, *shape)).shape == (3,)


@pytest.mark.parametrize("name", list(SMALL))
def test_gradients_of_stacked_seeds_equal_those_of_each_alone(name: str) -> None:
    """For the double backward pass of a gradient penalty, under vmap."""
    shape = small_shape(name)
    critics = [with_random_weights(make_small(name).critic(shape))[0] for _ in range(3)]
    samples = torch.randn(3, 4, *shape, dtype=torch.float64)
    weights = {key: torch.stack([c.state_dict()[key] for c in critics]) for key in critics[0].state_dict()}

    def penalty(weights: dict[str, Tensor], samples: Tensor) -> Tensor:
        def total(x: Tensor) -> Tensor:
            logits: Tensor = torch.func.functional_call(critics[0], weights, (x,))
            return logits.sum()

        gradient: Tensor = torch.func.grad(total)(samples)
        return gradient.square().sum()

    stacked_gradients = torch.func.vmap(torch.func.grad(penalty))(weights, samples)
    for row, critic in enumerate(critics):
        x = samples[row].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        names, parameters = zip(*critic.named_parameters(), strict=True)
        expected_gradients = torch.autograd.grad(gradient.square().sum(), parameters, allow_unused=True)
        for key, expected in zip(names, expected_gradients, strict=True):
            actual = stacked_gradients[key][row]
            torch.testing.assert_close(actual, torch.zeros_like(actual) if expected is None else expected)


TEXTBOOK: list[tuple[str, str, Callable[[list[Tensor], Tensor], Tensor]]] = [
    ("resnet", "critic", textbook.resnet_critic),
    ("resnet", "generator", lambda p, z: textbook.resnet_generator(p, z, 2)),
    ("r3gan-small", "critic", lambda p, x: textbook.r3gan_critic(p, x, 4)),
    ("r3gan-small", "generator", lambda p, z: textbook.r3gan_generator(p, z, 4)),
    ("pacgan-2d", "critic", lambda p, x: textbook.maxout_critic(p, x, 3)),
]


@pytest.mark.parametrize(("name", "role", "reference"), TEXTBOOK)
def test_network_equals_the_written_out_paper(
    name: str, role: str, reference: Callable[[list[Tensor], Tensor], Tensor]
) -> None:
    arch, shape = make_small(name), small_shape(name)
    network, parameters = with_random_weights(getattr(arch, role)(shape))
    inputs = torch.randn(5, *(shape if role == "critic" else (arch.latent_dim,)), dtype=torch.float64)
    torch.testing.assert_close(network(inputs), reference(parameters, inputs))


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_normalised_mlp_equals_the_written_out_network(norm: str, shape: tuple[int, ...]) -> None:
    arch = make("mlp", latent_dim=3, generator_widths=(8, 6, 5), generator_norm=norm)
    network, parameters = with_random_weights(arch.generator(shape))
    latents = torch.randn(7, 3, dtype=torch.float64)
    outputs = textbook.mlp_generator(parameters, latents, norm).reshape(7, *shape)
    torch.testing.assert_close(network(latents), outputs.tanh() if len(shape) > 1 else outputs)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_norm_of_the_mlp_is_that_of_the_generator_only(norm: str) -> None:
    arch = make("mlp", generator_norm=norm)
    kinds = [type(layer) for layer in arch.generator((1, 28, 28)).children()]
    kinds_of_norms: dict[str, list[type[nn.Module]]] = {"none": [], "batch": [nn.BatchNorm1d], "layer": [nn.LayerNorm]}
    later = [nn.Linear, *kinds_of_norms[norm], nn.LeakyReLU]
    assert kinds == [nn.Linear, nn.LeakyReLU, *later * 3, nn.Linear, nn.Tanh, nn.Unflatten]
    assert size(arch.critic((1, 28, 28))) == size(make("mlp").critic((1, 28, 28)))


def test_normalised_mlp_in_eval_mode_treats_each_sample_by_itself() -> None:
    generator = make("mlp", generator_norm="batch").generator((2,))
    for _ in range(3):
        generator.train()(torch.randn(50, 100))
    latents = torch.randn(9, 100)
    samples = generator.eval()(latents)
    torch.testing.assert_close(torch.cat([generator(latent[None]) for latent in latents]), samples)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_generator_with_one_hidden_layer_has_no_norm(norm: str) -> None:
    """The default for images must suit every choice of widths."""
    kinds = [type(layer) for layer in make("mlp", generator_widths=[8], generator_norm=norm).generator((2,)).children()]
    assert kinds == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.Unflatten]


def test_norm_that_the_mlp_does_not_have_is_rejected_in_one_line() -> None:
    with pytest.raises(GanbenchError, match="generator_norm must be one of none, batch, layer, not instance") as error:
        make("mlp", generator_norm="instance")
    assert "\n" not in str(error.value)


def test_maxout_unit_is_the_maximum_of_its_linear_pieces() -> None:
    layer = Maxout(1, 2, pieces=3)
    with torch.no_grad():
        # max(x, −x, 1) and max(2x, 0, −3)
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [0.0], [2.0], [0.0], [0.0]]))
        layer.linear.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0, -3.0]))
        values = layer(torch.tensor([[-2.0], [0.5], [4.0]]))
    assert values.tolist() == [[2, 0], [1, 1], [4, 8]]


def test_generator_for_points_normalises_before_activations_and_not_at_the_end() -> None:
    kinds = [type(layer) for layer in make("pacgan-2d").generator((2,)).children()]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 4 + [nn.Linear]


def test_residual_branches_of_r3gan_start_at_zero() -> None:
    """Both networks initially equal the same networks without their blocks."""
    torch.manual_seed(0)
    arch = make("r3gan-small", blocks=2)
    for network, inputs in (
        (arch.generator((1, 28, 28)), torch.randn(3, 64)),
        (arch.critic((1, 28, 28)), torch.randn(3, 1, 28, 28)),
    ):
        other_layers = [layer for layer in network.children() if not isinstance(layer, Block)]
        assert len(list(network.children())) == len(other_layers) + 6
        assert torch.equal(network(inputs), nn.Sequential(*other_layers)(inputs))
        assert network(inputs).std() > 0.01, "the output must not be zero"


@pytest.mark.parametrize("blocks", [1, 4])
def test_initial_variance_inside_an_r3gan_block_falls_with_the_number_of_blocks(blocks: int) -> None:
    """Each layer and its activation multiply the second moment by L^(−1/2), L = 3 · blocks."""
    torch.manual_seed(0)
    critic = make("r3gan-small", critic_width=256, blocks=blocks).critic((1, 28, 28))
    block = next(layer for layer in critic.children() if isinstance(layer, Block))
    inside = block.main[:4](torch.randn(4, 256, 16, 16))[..., 1:-1, 1:-1]  # except for pixels affected by padding
    assert inside.square().mean().item() == pytest.approx(1 / (3 * blocks), rel=0.05)
    assert pytest.approx(2 / 1.04) == GAIN**2


def test_initial_variance_of_r3gan_is_one_at_the_first_and_last_layers() -> None:
    torch.manual_seed(0)
    arch = make("r3gan-small", generator_width=512, critic_width=512)
    features = next(arch.generator((1, 28, 28)).children())(torch.randn(64, 64))
    assert features.square().mean().item() == pytest.approx(1, rel=0.1)
    basis, flat, head = list(arch.critic((1, 28, 28)).children())[-3:]
    logits = head(flat(basis(torch.randn(512, 512, 7, 7))))
    assert logits.square().mean().item() == pytest.approx(1, rel=0.4), (
        "χ² distributed with one term per weight of the head"
    )


def test_resampling_uses_the_papers_filter() -> None:
    images = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(Up()(images), textbook.upsampled(images))
    torch.testing.assert_close(Down()(images), textbook.downsampled(images))


@pytest.mark.parametrize(
    "options",
    [{"critic_width": 0}, {"group_size": 0}, {"blocks": 0}, {"expansion": -1}, {"critic_scale": 0.0}, {"latent": "t"}],
)
def test_invalid_options_are_rejected(options: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=next(iter(options))):
        make("r3gan-small", **options)
