"""Roofline: the machine's peak speed of products and memory, measured, and the demands of a step, counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import torch

from benchmarks.bare import bare_steps
from benchmarks.flops import Products
from benchmarks.measure import Row, Setting, wait_for
from ganbench.spec.run_spec import resolve

SIDE = {"cpu": 2048, "cuda": 8192}
ADAM_PASSES = 7
"""Passes over the float32 weights: reads of weight, gradient and two moments, writes of weight and two moments."""


def limits(setting: Setting) -> Iterator[Row]:
    """Measured peaks, and the steps per second that they allow."""
    device, peaks = setting.device, {}
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        peaks[name] = product_speed(setting, dtype)
        side = setting.steps(SIDE[device.type], 128)
        yield Row(f"products of {side} × {side} matrices, {name}", "", None, [peaks[name]], "GFLOP/s")
    source = torch.randn(64 << 20, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / _median_seconds(lambda: target.copy_(source), device) / 1e9
    yield Row("copying 256 MB, read and written", "", None, [bandwidth], "GB/s")
    for arch in ("mlp", "dcgan"):
        spec = resolve({"loss": {"name": "non-saturating"}, "arch": {"name": arch}})
        data = spec.dataset.load(device, say=lambda _: None)
        steps = bare_steps(spec, data, device)
        next(steps)
        with Products() as counter:
            next(steps)
        flops = counter.flops / 1e9
        networks = (spec.generator(data.shape), spec.critic(data.shape))
        weights = sum(parameter.numel() for network in networks for parameter in network.parameters())
        adam = ADAM_PASSES * 4 * weights / 1e9
        for name, peak in peaks.items():
            allowed = 1 / (flops / peak + adam / bandwidth)
            detail = f"{flops:.2f} GFLOP in products, {1e3 * adam:.0f} MB in Adam"
            yield Row(f"a step of {arch}, {name}: the machine allows", "", None, [allowed], "steps/s", detail)


def product_speed(setting: Setting, dtype: torch.dtype) -> float:
    """GFLOP/s of products of large matrices."""
    device, side = setting.device, setting.steps(SIDE[setting.device.type], 128)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / _median_seconds(partial(torch.matmul, a, b), device) / 1e9


def _median_seconds(function: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(25):
        wait_for(device)
        start = time.perf_counter()
        function()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return median(times[5:])
