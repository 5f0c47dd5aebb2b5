"""Reading of samples from any source: arrays, folders of pictures and generators, checked and brought into one form.

Files are treated as potentially malicious: Python unpickles nothing, sizes are checked before memory is allocated, and
every problem is a one-line `GanbenchError`. A wrong guess of the layout or the range would give a wrong number, so
anything ambiguous must be stated.
"""

from __future__ import annotations

from ganbench.evaluation.samples.check import check_array
from ganbench.evaluation.samples.generators import GeneratorSource
from ganbench.evaluation.samples.pictures import picture_shape
from ganbench.evaluation.samples.ranges import RANGES
from ganbench.evaluation.samples.reading import Samples, read_array, read_samples

__all__ = ["RANGES", "GeneratorSource", "Samples", "check_array", "picture_shape", "read_array", "read_samples"]
