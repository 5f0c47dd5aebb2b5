"""Networks written out as in their papers, applied to the parameters of ours in their order."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, linear, relu


def mean_pool(x: Tensor) -> Tensor:
    """Gulrajani et al.'s code: the mean of the four shifts."""
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def nearest_upsampled(x: Tensor) -> Tensor:
    """Every pixel repeated four times."""
    y = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    for i in range(2):
        for j in range(2):
            y[..., i::2, j::2] = x
    return y


def normalised(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


def mlp_generator(p: list[Tensor], z: Tensor, norm: str) -> Tensor:
    """Three hidden layers, of which the last two are normalised over the batch or over the layer; in training mode."""
    x = leaky_relu(linear(z, p[0], p[1]), 0.2)
    for layer in (p[2:5], p[5:8]) if norm == "batch" else (p[2:6], p[6:10]):
        x = linear(x, layer[0], None if norm == "batch" else layer[1])
        axis = 0 if norm == "batch" else 1
        centred = x - x.mean(axis, keepdim=True)
        x = centred / torch.sqrt((centred**2).mean(axis, keepdim=True) + 1e-5) * layer[-2] + layer[-1]
        x = leaky_relu(x, 0.2)
    return linear(x, p[-2], p[-1])


def resnet_critic(p: list[Tensor], x: Tensor) -> Tensor:
    """Gulrajani et al. 2017: OptimizedResBlockDisc1, a block with resample='down', one without, mean, linear layer."""
    y = mean_pool(conv2d(relu(conv2d(x, p[0], p[1], padding=1)), p[2], p[3], padding=1))
    x = conv2d(mean_pool(x), p[4], p[5]) + y
    y = conv2d(relu(conv2d(relu(x), p[6], p[7], padding=1)), p[8], p[9], padding=1)
    x = mean_pool(conv2d(x, p[10], p[11])) + mean_pool(y)
    y = conv2d(relu(conv2d(relu(x), p[12], p[13], padding=1)), p[14], p[15], padding=1)
    x = x + y
    return linear(relu(x).mean((2, 3)), p[16], p[17])[:, 0]


def resnet_generator(p: list[Tensor], z: Tensor, side: int) -> Tensor:
    """Gulrajani et al. 2017: blocks with resample='up', in training mode."""
    x = linear(z, p[0], p[1]).reshape(len(z), -1, side, side)
    for block in (p[2:11], p[11:20]):
        y = relu(normalised(x, block[0], block[1]))
        y = relu(normalised(conv2d(nearest_upsampled(y), block[2], padding=1), block[3], block[4]))
        y = conv2d(y, block[5], block[6], padding=1)
        x = conv2d(nearest_upsampled(x), block[7], block[8]) + y
    return torch.tanh(conv2d(relu(normalised(x, p[20], p[21])), p[22], p[23], padding=1))


def maxout_critic(p: list[Tensor], x: Tensor, pieces: int) -> Tensor:
    """Lin et al. 2018: each unit is the maximum of `pieces` linear functions, adjacent in the weight matrix."""
    for layer in range(len(p) // 2 - 1):
        values = linear(x, p[2 * layer], p[2 * layer + 1])
        x = torch.stack([values[:, piece::pieces] for piece in range(pieces)]).max(0).values
    return linear(x, p[-2], p[-1])[:, 0]


def kernel(like: Tensor) -> Tensor:
    """Huang et al. 2024, `CreateLowpassKernel([1, 2, 1])`: with [1, 1] it makes [1, 3, 3, 1], of sum 1."""
    one = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=like.dtype)
    return (torch.outer(one, one) / 64).view(1, 1, 4, 4)


def upsampled(x: Tensor) -> Tensor:
    """Huang et al. 2024, `InterpolativeUpsamplerReference`."""
    y = conv_transpose2d(x.reshape(-1, 1, *x.shape[2:]), 4 * kernel(x), stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def downsampled(x: Tensor) -> Tensor:
    """Huang et al. 2024, `InterpolativeDownsamplerReference`."""
    y = conv2d(x.reshape(-1, 1, *x.shape[2:]), kernel(x), stride=2, padding=1)
    return y.view(*x.shape[:2], *y.shape[2:])


def r3gan_block(p: list[Tensor], x: Tensor, groups: int) -> Tensor:
    """Huang et al. 2024, `ResidualBlock`: convolutions without bias, one before each activation."""
    y = conv2d(x, p[0])
    y = conv2d(leaky_relu(y + p[1].view(1, -1, 1, 1), 0.2), p[2], padding=1, groups=groups)
    y = conv2d(leaky_relu(y + p[3].view(1, -1, 1, 1), 0.2), p[4])
    return x + y


def r3gan_critic(p: list[Tensor], x: Tensor, groups: int) -> Tensor:
    """Huang et al. 2024, `Discriminator` of three stages with a block each; its head has a bias here."""
    x = r3gan_block(p[1:6], conv2d(x, p[0]), groups)
    x = r3gan_block(p[6:11], downsampled(x), groups)
    x = r3gan_block(p[11:16], downsampled(x), groups)
    pixels = (x * p[16].squeeze(1)).sum((2, 3))
    return linear(pixels, p[17], p[18])[:, 0]


def r3gan_generator(p: list[Tensor], z: Tensor, groups: int) -> Tensor:
    """Huang et al. 2024, `Generator` of three stages with a block each; it ends in tanh here."""
    x = p[0] * linear(z, p[1])[:, :, None, None]
    x = r3gan_block(p[2:7], x, groups)
    x = r3gan_block(p[7:12], upsampled(x), groups)
    x = r3gan_block(p[12:17], upsampled(x), groups)
    return torch.tanh(conv2d(x, p[17]))
