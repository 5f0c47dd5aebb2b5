"""The order in which blocks of seeds are submitted."""

from __future__ import annotations

from ganbench.runs.block_queue import BlockQueue

BLOCKS = {0: (0, 1), 1: (2, 3), 2: (4,)}


def test_every_group_trains_a_block_before_any_group_trains_the_next() -> None:
    queue = BlockQueue({"a": BLOCKS, "b": BLOCKS})
    order: list[tuple[str, tuple[int, ...]]] = []
    waiting = list(queue.take([]).items())
    while waiting:  # one worker, which takes tasks in the order of submission
        group, seeds = waiting.pop(0)
        order.append((group, seeds))
        waiting += queue.take([other for other, _ in waiting]).items()
    assert order == [(group, seeds) for seeds in BLOCKS.values() for group in "ab"]


def test_group_has_one_task_at_a_time() -> None:
    queue = BlockQueue({"a": BLOCKS, "b": BLOCKS})
    assert queue.take([]) == {"a": (0, 1), "b": (0, 1)}
    assert queue.take(["a", "b"]) == {}
    assert queue.take(["b"]) == {"a": (2, 3)}, "a free worker begins the next block while another group is slow"
    assert queue.take(["b"]) == {}, "but no block after that, until the slow group has been submitted"
    assert queue.take([]) == {"b": (2, 3), "a": (4,)}


def test_group_that_is_behind_comes_first() -> None:
    """As after a new value of an axis: the other groups have finished their first blocks."""
    queue = BlockQueue({"ahead": {2: (4,)}, "new": BLOCKS})
    assert queue.take([]) == {"new": (0, 1)}
    assert queue.take(["new"]) == {}
    assert queue.take([]) == {"new": (2, 3), "ahead": (4,)}
    assert queue.take(["ahead"]) == {"new": (4,)}
