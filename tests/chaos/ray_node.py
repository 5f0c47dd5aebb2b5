"""A node of a Ray cluster is killed in the middle of a sweep (two nodes on one machine; needs `ganbench[ray]`).

    python -m tests.chaos.ray_node

Every run must exist once, with the numbers of a sweep in local processes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ray.cluster_utils import Cluster

from ganbench.runs.progress import PROGRESS_FILE
from tests.chaos.common import RUNS, differences, experiment_file, finish, leftovers, report, runs_in, start, wait_for


def main() -> int:
    with tempfile.TemporaryDirectory() as base:
        file = str(experiment_file(Path(base)))
        reference, folder = Path(base) / "whole", Path(base) / "ray"
        reference.mkdir()
        folder.mkdir()
        assert finish(["sweep", file, "--store", "store", "--jobs", "2"], reference) == 0, (
            reference / "output.txt"
        ).read_text()
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == RUNS
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        node = cluster.add_node(num_cpus=1)
        command = ["sweep", file, "--store", str(folder / "store"), "--executor", "ray", "--jobs", "2"]
        driver = start([*command, "--address", cluster.address], folder)
        began = time.monotonic()
        both_at_work = wait_for(lambda: len(list(folder.rglob(PROGRESS_FILE))) == 2, 120)
        seconds = round(time.monotonic() - began)
        cluster.remove_node(node, allow_graceful=False)
        was_active = driver.poll() is None
        status = driver.wait()
        cluster.shutdown()
        actual, faults = runs_in(folder / "store" / "mlflow.db")
        counts = Counter(faults)
        counts.update(differences(expected, actual))
        counts["exit status"] = status
        counts["node was not active"] = int(not was_active or not both_at_work)
        counts["temporary files"] = len(leftovers(folder))
        actions: dict[str, object] = {"after seconds": seconds}
        code = report("killed node", actions, {name: counts[name] for name in counts})
        if code:
            print((folder / "output.txt").read_text()[-3000:], leftovers(folder))
        return code


if __name__ == "__main__":
    sys.exit(main())
