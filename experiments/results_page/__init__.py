"""The results page: docs/results.md, its pictures, and README's sentences, from the committed results of the studies.

    make results

A study's results are in `reports/<date>_<study>/results.csv`, written by `ganbench report`. Every sentence is made here
from those rows, with its interval and test; nothing is written by hand.
"""
