"""Evaluation: metrics under protocols, for samples from any generator."""
