"""Stage actors step back behind the gateway with every thread they have."""

import subprocess
import sys

CHAINS_OF_THREADS = """
import os, sys, threading, time
from ingest.cluster import actors

def chain(until):
    if time.monotonic() < until:
        threading.Thread(target=chain, args=(until,)).start()

for _ in range(8):
    chain(time.monotonic() + 1.0)
lasting = []
def keep_starting():
    for _ in range(200):
        waits = threading.Thread(target=time.sleep, args=(2.0,))
        waits.start()
        lasting.append(waits)
starter = threading.Thread(target=keep_starting)
starter.start()
actors._step_back()
starter.join()
print(sum(os.getpriority(os.PRIO_PROCESS, t.native_id) < actors.NICENESS for t in lasting))
"""


def test_threads_that_start_meanwhile_step_back_as_well() -> None:
    said = subprocess.run(
        [sys.executable, "-c", CHAINS_OF_THREADS], capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == ["0"]
