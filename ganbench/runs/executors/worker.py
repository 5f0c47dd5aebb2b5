"""Worker process: reads tasks from standard input, one JSON line each, and writes results to standard output.

When its input ends it stops at the next opportunity, with a checkpoint. A plug-in that hangs gives it none, so if its
driver is gone it ends a grace period later in any case, and its runs can be resumed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading

from ganbench.core.output_encoding import spell_unencodable_output
from ganbench.core.parent import end_without_parent
from ganbench.runs.task import Task, perform, plain


def main(driver: int, grace: float) -> None:
    """Perform tasks until there are no more.

    Args:
        driver: the process that sends tasks.
        grace: seconds that work may go on after the driver is gone.
    """
    spell_unencodable_output()
    end_without_parent(driver, grace)
    # Nothing else that is printed may get between the results.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tasks: queue.Queue[str] = queue.Queue()
    stop = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            tasks.put(line)
        stop.set()
        tasks.put("")

    def request_stop(signal_number: int, frame: object) -> None:
        stop.set()
        tasks.put("")

    signal.signal(signal.SIGTERM, request_stop)
    threading.Thread(target=listen, daemon=True).start()
    while not stop.is_set():
        line = tasks.get()
        if not line:
            return
        result = perform(Task(**json.loads(line)), stop)
        try:
            print(json.dumps(plain(result)), file=results, flush=True)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
