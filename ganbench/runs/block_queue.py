"""Order of a sweep's tasks: one block of seeds of every group, then the next block."""

from __future__ import annotations

from collections.abc import Collection, Mapping


class BlockQueue:
    """The blocks of seeds that haven't been submitted.

    A group has at most one task at a time, since its checkpoints and its lock belong to one process. No block is
    submitted before the earlier blocks of all groups, so that a sweep that is stopped early has about as many seeds of
    one group as of another.

    Args:
        missing: the seeds to train, by group and number of the block.
    """

    def __init__(self, missing: Mapping[str, Mapping[int, tuple[int, ...]]]) -> None:
        blocks = [(number, group, seeds) for group, numbered in missing.items() for number, seeds in numbered.items()]
        self._waiting = sorted(blocks, key=lambda block: block[0])

    def take(self, outstanding: Collection[str]) -> dict[str, tuple[int, ...]]:
        """Remove and return the seeds to submit now, by group.

        Args:
            outstanding: the groups that have a task.
        """
        taken: dict[str, tuple[int, ...]] = {}
        waiting: list[tuple[int, str, tuple[int, ...]]] = []
        for number, group, seeds in self._waiting:
            earlier_waits = bool(waiting) and waiting[0][0] < number
            if earlier_waits or group in outstanding or group in taken:
                waiting.append((number, group, seeds))
            else:
                taken[group] = seeds
        self._waiting = waiting
        return taken
