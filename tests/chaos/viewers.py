"""Viewers (compare, report, status and the MLflow page) in a loop, during a sweep whose processes are killed.

    python -m tests.chaos.viewers [--kills 3] [--seed 0]

A viewer must show the runs, or say in one line that there are none yet; the sweep must not notice the viewers.
"""

from __future__ import annotations

import argparse
import itertools
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.chaos.common import (
    SMALL,
    SMALL_RUNS,
    children,
    differences,
    experiment_file,
    finish,
    kill,
    report,
    runs_in,
    start,
    wait_for,
)

PATIENCE = 120.0
"""Seconds that the page may take to start, beside a sweep."""
NOTHING_YET = ("there is no store", "there is no experiment", "there are no runs yet")


def view(viewers: list[list[str]], base: Path, over: threading.Event, counts: Counter[str]) -> None:
    """Run the viewers one after another, again and again, and count what they did."""
    for arguments in itertools.cycle(viewers):
        if over.is_set():
            return
        folder = base / f"{arguments[0]}-{counts[arguments[0]]}"
        folder.mkdir()
        status = finish(arguments, folder)
        output = (folder / "output.txt").read_text(encoding="utf-8")
        counts[arguments[0]] += 1
        counts["tracebacks"] += "Traceback" in output
        excused = any(words in output for words in NOTHING_YET) or (arguments[0] == "status" and status == 1)
        if status != 0 and not excused:
            counts["viewers that failed"] += 1
            print(f"   {arguments[0]}: exit status {status}: {output[-300:]}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=3)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    choices = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        file = str(experiment_file(base, SMALL))
        reference, watched = base / "whole", base / "watched"
        reference.mkdir()
        watched.mkdir()
        began = time.monotonic()
        assert finish(["sweep", file, "--store", "store"], reference) == 0
        whole = time.monotonic() - began
        expected, _ = runs_in(reference / "store" / "mlflow.db")
        assert len(expected) == SMALL_RUNS
        store, over, counts = str(watched / "store"), threading.Event(), Counter[str]()
        viewers = [["compare", "--experiment", "chaos"], ["report", "--experiment", "chaos", "--out", "report"]]
        viewers = [*viewers, ["status", file]]
        viewers = [[*viewer, "--store", store] for viewer in viewers]
        viewing = threading.Thread(target=view, args=(viewers, base, over, counts))
        command = ["sweep", file, "--store", "store", "--jobs", "2"]
        viewing.start()
        page = None
        for _ in range(args.kills):
            driver = start(command, watched)
            time.sleep(choices.uniform(0.2, 0.6) * whole)
            if page is None and (watched / "store" / "mlflow.db").exists():
                page = start(["ui", "--store", store, "--experiment", "chaos", "--port", "0"], base)
            victims = [driver.pid, *children(driver.pid)]
            counts["kills"] += kill(choices.choice(victims))
            time.sleep(2)
            kill(driver.pid)
            driver.wait()
        status = finish(command, watched)
        over.set()
        viewing.join()
        assert page is not None, "no kill came late enough"
        shown = wait_for(lambda: "Ctrl-C stops" in (base / "output.txt").read_text(encoding="utf-8"), PATIENCE)
        page.send_signal(signal.SIGTERM)
        if page.wait() or not shown:
            counts["page that failed"] += 1
            print(f"   ui: exit status {page.returncode}: {(base / 'output.txt').read_text(encoding='utf-8')[-300:]}")
        actual, faults = runs_in(watched / "store" / "mlflow.db")
    seen = {name: counts.pop(name) for name in ("compare", "report", "status", "kills")}
    counts.update(faults)
    counts.update(differences(expected, actual))
    counts["sweeps that failed"] = int(status != 0)
    return report("viewers during a sweep", dict(seen), dict(counts))


if __name__ == "__main__":
    sys.exit(main())
