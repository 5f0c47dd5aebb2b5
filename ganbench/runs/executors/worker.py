"""Worker process: reads tasks from standard input, one JSON line each, and writes results to standard output.

When its input ends it stops at the next opportunity, with a checkpoint, so that it never outlives its parent process,
even if that is killed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading

from ganbench.core.output_encoding import spell_unencodable_output
from ganbench.runs.task import Task, perform, plain


def main() -> None:
    """Perform tasks until there are no more."""
    spell_unencodable_output()
    # Nothing else that is printed may get between the results.
    results = os.fdopen(os.dup(1), "w")
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
    main()
