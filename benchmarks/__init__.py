"""Speed and memory are claims too: each is measured here, against an honest baseline, by `make bench`."""
