"""Both providers as processes that can be lost; their accounts outlive them."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from benchmarks.running_system import free_port
from tests.chaos.evidence import Bills, Charged

_START_SECONDS = 30.0
_FAULTS = ("500", "503", "html502", "drop_before", "drop_after", "truncated")
_OPTIONS = {
    "openai": ("--latency", "0.3", "--tpm", "3000000"),
    "llamaparse": ("--base-seconds", "0.3", "--allow-loopback", "--webhook-drop", "0.3"),
}
_SPOILED = {"drop_after", "truncated"}


class Vendor:
    """A simulator on a port that stays its own."""

    def __init__(self, kind: str, *, seed: int) -> None:
        self.kind = kind
        self.port = free_port()
        self._seed = seed
        self._process: subprocess.Popen[str] | None = None
        self._calls: list[dict[str, Any]] = []
        self._texts: dict[str, list[str]] = {}

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, with a share of faults of its own."""
        faults = [option for kind in _FAULTS for option in ("--fault", kind)]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ingest.sim", self.kind, "--port", str(self.port)),
                *("--seed", str(self._seed), "--error-rate", "0.03", *faults),
                *_OPTIONS[self.kind],
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        if not (self._process.stdout and self._process.stdout.readline().startswith("ready")):
            raise RuntimeError(f"the simulated {self.kind} did not start")

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(10)

    def away(self, seconds: float) -> None:
        """Let nothing work for a while, and wait until that is over."""
        self._post("/sim/faults", {"outages": [(0, seconds)]})
        time.sleep(seconds)

    def hang(self, seconds: float) -> None:
        """Let it accept connections and say nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._process.send_signal(signal.SIGCONT)

    def restart(self, seconds: float) -> None:
        """Kill it, and start it again after a while.

        It refuses everything just before, so that nothing is charged between the copy of its
        accounts and its end.
        """
        self._post("/sim/faults", {"outages": [(0, 60)]})
        time.sleep(0.5)
        self._copy_accounts()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        time.sleep(seconds)
        self.start()

    def charged(self) -> list[Charged]:
        """Every call it ever charged for."""
        self._copy_accounts()
        return [
            Charged(
                call["client_id"],
                call["tokens"],
                tuple(self._texts.get(call["client_id"], ())),
                answer_spoiled=call["fault"] in _SPOILED,
            )
            for call in {call["request_id"]: call for call in self._calls}.values()
            if call["tokens"]
        ]

    def stats(self) -> dict[str, Any]:
        """Its totals since its last start."""
        totals: dict[str, Any] = self._get("/sim/stats")
        return totals

    def _copy_accounts(self) -> None:
        self._calls += self._get("/sim/calls")
        self._texts |= self._get("/sim/texts")

    def _get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=30, trust_env=False).raise_for_status().json()

    def _post(self, path: str, body: object) -> None:
        httpx.post(self.url + path, json=body, timeout=30, trust_env=False).raise_for_status()


class Vendors:
    """OpenAI and LlamaParse."""

    def __init__(self, *, seed: int) -> None:
        self.openai = Vendor("openai", seed=seed)
        self.llamaparse = Vendor("llamaparse", seed=seed)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Both, until the context ends."""
        with ExitStack() as stack:
            for vendor in (self.openai, self.llamaparse):
                stack.callback(vendor.stop)
                vendor.start()
            yield

    def bills(self) -> Bills:
        """What both charged."""
        parsing = self.llamaparse.stats()
        return Bills(self.openai.charged(), parsing["credits"], parsing["duplicate_jobs"])
