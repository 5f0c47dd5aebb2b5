"""ganbench: an experiment-tracked benchmark suite for GAN variants and mode collapse."""

__version__ = "0.1.0"
