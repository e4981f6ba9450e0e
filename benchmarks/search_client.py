"""A tenant of a running system: uploads its documents and searches them over HTTP."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from benchmarks.ranking import DEPTH, K, Run, first_of_each

_THREADS = 4
_POLL_SECONDS = 0.5
_BATCH = 500
_ENDED = frozenset({"done", "deadletter", "cancelled"})
_BUSY = frozenset({429, 503})
_TRIES = 60


class SearchClient:
    """Documents and questions of one tenant, each by the caller's own names."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120, trust_env=False
        )
        self._names: dict[str, str] = {}
        self.refused = 0
        """Questions that were not answered because the model knows none of their words."""

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def upload(self, files: Mapping[str, tuple[str, bytes]], *, seconds: float) -> list[str]:
        """Upload files and wait until each is searchable or refused.

        Args:
            files: Filename and content, by the document's name.
            seconds: How long to wait in all.

        Returns:
            Names of those that were refused.

        Raises:
            TimeoutError: some had not ended in that time.
        """
        deadline = time.monotonic() + seconds
        with ThreadPoolExecutor(_THREADS) as pool:
            answers = dict(zip(files, pool.map(self._upload, files, files.values()), strict=True))
        jobs = {answer["job_id"]: name for name, answer in answers.items() if answer}
        self._names |= {answer["document_id"]: name for name, answer in answers.items() if answer}
        states: dict[str, str] = {}
        while len(states) < len(jobs):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(jobs) - len(states)} documents are not searchable")
            time.sleep(_POLL_SECONDS)
            states |= self._ended([job for job in jobs if job not in states])
        return [name for name, answer in answers.items() if not answer] + [
            jobs[job] for job, state in states.items() if state != "done"
        ]

    def _upload(self, name: str, file: tuple[str, bytes]) -> dict[str, Any]:
        filename, content = file
        answer = self._patiently(
            "/v1/documents",
            params={"filename": filename, "external_id": name},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        return answer.json() if answer.status_code in (200, 202) else {}

    def _ended(self, jobs: list[str]) -> dict[str, str]:
        found = {}
        for at in range(0, len(jobs), _BATCH):
            answer = self._patiently("/v1/jobs:batchGet", json={"job_ids": jobs[at : at + _BATCH]})
            for job in answer.raise_for_status().json()["jobs"]:
                if job["state"] in _ENDED:
                    found[job["job_id"]] = job["state"]
        return found

    def modes(self) -> tuple[str, list[str]]:
        """The default mode of search, and all modes, as the OpenAPI document names them."""
        described = self._http.get("/openapi.json").raise_for_status().json()
        schemas = described["components"]["schemas"]
        mode = schemas["SearchRequest"]["properties"]["mode"]
        named = [mode, *mode.get("allOf", ())]
        reference = next(part["$ref"] for part in named if "$ref" in part)
        return mode["default"], schemas[reference.rpartition("/")[2]]["enum"]

    def rank(self, queries: Mapping[str, str], mode: str, *, deep: bool) -> Run:
        """Documents in the order of their best chunks.

        Args:
            queries: Questions by their names.
            mode: How chunks are ranked.
            deep: Ask for a hundred chunks at once. Otherwise ten, as a user does, and a hundred
                only where ten chunks are of fewer than ten documents.
        """

        def one(text: str) -> list[str]:
            for k in (DEPTH,) if deep else (K, DEPTH):
                hits = list(self._search(text, mode, k))
                documents = first_of_each(hits)
                if len(documents) >= K or len(hits) < k:
                    break
            return documents

        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(queries, pool.map(one, queries.values()), strict=True))

    def _search(self, text: str, mode: str, k: int) -> Iterator[str]:
        answer = self._patiently("/v1/search", json={"query": text, "k": k, "mode": mode})
        if answer.status_code == 422 and "no word" in answer.json()["detail"]:
            self.refused += 1
            return
        for hit in answer.raise_for_status().json()["hits"]:
            yield self._names[hit["document_id"]]
            # The same text in other documents: the answer names them with this hit.
            yield from (self._names[document_id] for document_id in hit["also_in"])

    def _patiently(self, path: str, **request: Any) -> httpx.Response:
        """Send a request, again when the system asks to come back later."""
        for _ in range(_TRIES):
            answer = self._http.post(path, **request)
            if answer.status_code not in _BUSY:
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer
