"""The operators allowed in an exported generator: ATen operators used by generators, and arithmetic on sizes.

None of them reads or writes files, or memory by address, so calling them with untrusted arguments is harmless.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

_ATEN = """
    linear matmul mm mv dot vdot bmm addmm baddbmm einsum embedding scaled_dot_product_attention
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution
    avg_pool2d adaptive_avg_pool2d max_pool2d
    upsample_nearest2d _upsample_nearest_exact2d upsample_bilinear2d upsample_bicubic2d pixel_shuffle pixel_unshuffle
    batch_norm layer_norm group_norm instance_norm rms_norm dropout

    relu relu_ relu6 leaky_relu leaky_relu_ prelu elu elu_ celu selu gelu silu silu_ mish glu softplus
    sigmoid sigmoid_ tanh tanh_ hardtanh hardtanh_ hardsigmoid hardswish softmax _softmax log_softmax _log_softmax

    add add_ sub sub_ rsub mul mul_ div div_ floor_divide remainder pow neg abs sign square sqrt rsqrt reciprocal
    exp log sin cos erf floor ceil round clamp clamp_ clamp_min clamp_max minimum maximum lerp
    eq ne lt le gt ge where masked_fill logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not
    sum mean var std norm linalg_vector_norm amin amax argmax any all cumsum

    view view_as _unsafe_view reshape flatten unflatten squeeze unsqueeze expand expand_as permute transpose t
    cat stack split split_with_sizes chunk unbind narrow slice select index_select gather repeat repeat_interleave
    flip roll tril triu pad constant_pad_nd reflection_pad2d replication_pad2d
    to _to_copy type_as contiguous clone alias detach detach_ lift_fresh_copy copy_ fill_

    zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full arange scalar_tensor one_hot
    rand rand_like randn randn_like
    sym_size sym_constrain_range_for_size _assert_scalar _assert_tensor_metadata
"""
ATEN = frozenset(_ATEN.split())

_ARITHMETIC = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.floordiv,
    operator.truediv,
    operator.mod,
    operator.neg,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)
ARITHMETIC: dict[str, Callable[..., Any]] = {f"_operator.{function.__name__}": function for function in _ARITHMETIC}
"""Operations on sizes that are known only at run time."""


def find_operator(target: str) -> Callable[..., Any] | None:
    """The function with this name in a graph, "torch.ops.aten.relu.default" or "_operator.mul", if it is allowed."""
    if target in ARITHMETIC:
        return ARITHMETIC[target]
    match target.split("."):
        case ["torch", "ops", "aten", name, overload] if name in ATEN:
            packet = getattr(torch.ops.aten, name)
            function: Callable[..., Any] | None = getattr(packet, overload) if overload in packet.overloads() else None
            return function
    return None
