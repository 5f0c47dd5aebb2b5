"""The operators allowed in an exported generator: ATen operators used by generators, and arithmetic on sizes.

They are those of a program as `torch.export` writes it, and of one after `run_decompositions()` (core ATen). Operators
that give memory as it was left (`empty`) are not among them: samples would depend on it.

None of them reads or writes files, or memory by address. Arguments of another type than the operator's schema has are
refused (`arguments.py`): PyTorch itself takes a whole number for a type or a memory format, and ends the process if
there is none of that number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

_ATEN = """
    linear matmul mm mv dot vdot bmm addmm baddbmm einsum embedding scaled_dot_product_attention conv1d
    conv1d.padding conv2d conv2d.padding conv3d conv3d.padding conv_transpose1d conv_transpose2d.input
    conv_transpose3d.input convolution avg_pool2d adaptive_avg_pool2d max_pool2d upsample_nearest2d
    upsample_nearest2d.vec _upsample_nearest_exact2d _upsample_nearest_exact2d.vec upsample_bilinear2d
    upsample_bilinear2d.vec _upsample_bilinear2d_aa _upsample_bilinear2d_aa.vec upsample_bicubic2d
    upsample_bicubic2d.vec pixel_shuffle pixel_unshuffle batch_norm layer_norm group_norm instance_norm rms_norm
    dropout native_layer_norm native_group_norm _native_batch_norm_legit_no_training
    _native_batch_norm_legit.no_stats _adaptive_avg_pool2d max_pool2d_with_indices grid_sampler grid_sampler_2d
    affine_grid_generator im2col col2im

    relu relu_ relu6 leaky_relu leaky_relu_ prelu elu elu_ celu selu gelu silu silu_ mish glu softplus sigmoid
    sigmoid_ tanh tanh_ hardtanh hardtanh_ hardsigmoid hardswish softmax.int _softmax log_softmax.int _log_softmax

    add.Tensor add.Scalar add_.Tensor add_.Scalar sub.Tensor sub.Scalar sub_.Tensor sub_.Scalar rsub.Tensor
    rsub.Scalar mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode
    div_.Tensor div_.Tensor_mode div_.Scalar div_.Scalar_mode floor_divide floor_divide.Scalar remainder.Tensor
    remainder.Scalar remainder.Scalar_Tensor pow.Tensor_Tensor pow.Tensor_Scalar pow.Scalar neg abs sign square sqrt
    rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh erf
    floor ceil trunc frac round round.decimals fmod.Tensor fmod.Scalar isnan isinf nan_to_num clamp clamp.Tensor
    clamp_ clamp_.Tensor clamp_min clamp_min.Tensor clamp_max clamp_max.Tensor minimum maximum lerp.Scalar
    lerp.Tensor eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar
    ge.Tensor ge.Scalar where.self where.ScalarOther where.ScalarSelf where.Scalar where masked_fill.Scalar
    masked_fill.Tensor logical_and logical_or logical_not bitwise_and.Tensor bitwise_and.Scalar
    bitwise_and.Scalar_Tensor bitwise_or.Tensor bitwise_or.Scalar bitwise_or.Scalar_Tensor bitwise_xor.Tensor
    bitwise_xor.Scalar bitwise_not logical_xor __and__.Tensor __or__.Tensor __xor__.Tensor sum.dim_IntList sum prod
    prod.dim_int logsumexp mean mean.dim var var.dim var.correction std std.dim std.correction norm.Scalar
    norm.ScalarOpt_dim norm.ScalarOpt_dim_dtype norm.ScalarOpt_dtype linalg_vector_norm amin amax max.dim min.dim
    argmax argmin any any.dim any.dims all all.dim all.dims cumsum sort argsort topk cdist _cdist_forward

    view view_as _unsafe_view reshape flatten.using_ints unflatten.int squeeze squeeze.dim squeeze.dims unsqueeze
    expand expand_as permute transpose.int t cat stack split.Tensor split.sizes split split_with_sizes chunk
    unbind.int narrow narrow.Tensor slice.Tensor select.int index_select index.Tensor index_put gather scatter.src
    scatter.value scatter_add slice_scatter select_scatter diagonal repeat repeat_interleave.Tensor
    repeat_interleave.self_Tensor repeat_interleave.self_int flip roll tril triu pad constant_pad_nd
    reflection_pad1d reflection_pad2d replication_pad2d to.device to.dtype to.other to.dtype_layout _to_copy type_as
    contiguous clone alias detach detach_ lift_fresh_copy copy copy_ fill_.Scalar fill_.Tensor

    zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full arange arange.start arange.start_step
    linspace eye.m scalar_tensor one_hot rand rand_like randn randn_like sym_size.int sym_size
    sym_constrain_range_for_size _assert_scalar _assert_tensor_metadata
"""
ATEN = frozenset(_ATEN.split())
"""Overloads as `name.overload`, or the name alone for the default one; none writes into a given result (`out`)."""

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
    overload = target.removeprefix("torch.ops.aten.").removesuffix(".default")
    if not target.startswith("torch.ops.aten.") or overload not in ATEN:
        return None
    name, _, kind = overload.partition(".")
    function: Callable[..., Any] = getattr(getattr(torch.ops.aten, name), kind or "default")
    return function
