"""The HTTP routes of simulated LlamaParse."""

import asyncio
import hashlib
import ipaddress
import json
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import UploadFile
from starlette.requests import Request

from ingest.sim.faults import FaultSwitch
from ingest.sim.llamaparse.parse_service import CREDITS, Job, Service
from ingest.sim.llamaparse.webhook_sender import Courier, Habits
from ingest.sim.server import DROPPED, Receive, Reply, Scope, Send, answer, headers_of, read

_TICK = 0.02


class LlamaParseApi:
    """The ASGI application of simulated LlamaParse."""

    def __init__(self, service: Service, faults: FaultSwitch, habits: Habits) -> None:
        self._service = service
        self._faults = faults
        self._habits = habits
        self._courier: Courier | None = None
        self._watching: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await answer(await self._answer(scope, receive), receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if path.startswith("/sim/"):
            return self._switch(method, path, await read(receive))
        fault, delay = self._faults.next()
        await asyncio.sleep(delay)
        if (broken := _broken(fault)) is not None:
            return broken
        secret = headers_of(scope).get("authorization", "").removeprefix("Bearer ").strip()
        known = self._service.options.keys
        if not secret or (known and secret not in known):
            return _detail(401, "Invalid API Key. Check that the key belongs to this region.")
        project = hashlib.sha256(secret.encode()).hexdigest()[:8]
        if (method, path) == ("POST", "/api/v1/beta/files"):
            reply = await self._upload(project, scope, receive)
        else:
            reply = await self._parse(project, method, path, scope, await read(receive))
        if fault == "drop_after":
            return DROPPED
        if fault == "truncated" and reply.status == 200:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        return reply

    def _switch(self, method: str, path: str, body: bytes) -> Reply:
        """Answer the routes under /sim, which the real service does not have."""
        try:
            if (method, path) == ("GET", "/sim/stats"):
                return Reply.json(self._service.stats())
            if (method, path) == ("GET", "/sim/jobs"):
                return Reply.json(self._service.listed())
            if (method, path) == ("POST", "/sim/reset"):
                self._service.reset()
                self._faults.reset()
                self._courier = None
            elif (method, path) == ("POST", "/sim/faults"):
                self._faults.change(json.loads(body))
            elif (method, path) == ("POST", "/sim/script"):
                self._faults.script.extend(json.loads(body))
            elif (method, path) == ("POST", "/sim/options"):
                self._service.options = replace(self._service.options, **json.loads(body))
            elif (method, path) == ("POST", "/sim/webhooks"):
                self._habits = replace(self._habits, **json.loads(body))
                self._courier = None
            else:
                return _detail(404, "Not Found")
        except (ValueError, TypeError) as exc:
            return _detail(422, str(exc))
        return Reply.json({})

    async def _upload(self, project: str, scope: Scope, receive: Receive) -> Reply:
        if self._service.busy():
            self._service.counts["http_429"] += 1
            return _detail(429, "Too many requests")
        async with Request(dict(scope), receive).form(max_part_size=1 << 40) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not form.get("purpose"):
                return _invalid("file")
            data, filename = await file.read(), file.filename
        if not filename:
            return _detail(400, "File must have a filename.")
        if not data:
            return _detail(400, "Uploaded file is empty.")
        if len(data) > self._service.options.max_bytes:
            return _detail(413, "File too large")
        file_id = self._service.keep(project, filename, data)
        return Reply.json({"id": file_id, "name": filename, "project_id": project})

    async def _parse(
        self, project: str, method: str, path: str, scope: Scope, body: bytes
    ) -> Reply:
        query = parse_qs(scope["query_string"].decode())
        if path == "/api/v2/parse":
            return (
                await self._create(project, body)
                if method == "POST"
                else self._list(project, query)
            )
        job_id, _, action = path.removeprefix("/api/v2/parse/").partition("/")
        job = self._service.jobs.get(job_id)
        if job is None or job.project != project or job.deleted or self._service.expired(job):
            return _detail(404, "Parse job not found")
        if method == "POST" and action == "cancel":
            if job.status(self._service.now()) in {"PENDING", "RUNNING"}:
                job.cancelled = True
            return Reply.json(self._view(job))
        if method == "DELETE":
            job.deleted = True
            return Reply.json({"id": job.job_id, "project_id": project})
        if method == "GET" and not action:
            return Reply.json(self._result(job, query))
        return _detail(404, "Not Found")

    async def _create(self, project: str, body: bytes) -> Reply:
        try:
            asked = json.loads(body)
        except ValueError:
            return _invalid("body")
        for name in ("tier", "version"):
            if not asked.get(name):
                return _invalid(name)
        if asked["tier"] not in CREDITS:
            return _detail(400, f"Unknown tier: {asked['tier']}")
        known = self._service.files.get(asked.get("file_id") or "")
        if known is None or known[0] != project:
            return _detail(404, "Source file not found in storage")
        for hook in asked.get("webhook_configurations") or []:
            if not self._service.options.allow_loopback and _is_private(hook["webhook_url"]):
                return _detail(400, "webhook_url contains a non-public URL")
        irrelevant = {"file_id", "user_metadata", "webhook_configurations", "disable_cache"}
        options = json.dumps({k: v for k, v in sorted(asked.items()) if k not in irrelevant})
        try:
            job = await asyncio.to_thread(
                self._service.create, project, asked["file_id"], asked, options
            )
        except PermissionError:
            return _detail(402, "You've exceeded the maximum number of credits for your plan.")
        view = self._view(job)
        if self._deliveries().early:
            self._deliveries().announce(job, job.outcome)
            await asyncio.sleep(0.2)
        watcher = asyncio.create_task(self._watch(job))
        self._watching.add(watcher)
        watcher.add_done_callback(self._watching.discard)
        return Reply.json(view)

    async def _watch(self, job: Job) -> None:
        """Announce the end of a job when it comes."""
        while (status := job.status(self._service.now())) in {"PENDING", "RUNNING"}:
            if job.job_id not in self._service.jobs or job.ends_at == float("inf"):
                return
            await asyncio.sleep(_TICK)
        self._deliveries().announce(job, status)

    def _deliveries(self) -> Courier:
        if self._courier is None:
            seed = self._service.options.seed
            self._courier = Courier(self._habits, self._service.counts, seed)
        return self._courier

    def _view(self, job: Job) -> dict[str, Any]:
        return job.view(self._service.now(), self._service.wall)

    def _list(self, project: str, query: dict[str, list[str]]) -> Reply:
        wanted = _split(query.get("job_ids"))
        status = query.get("status", [None])[0]
        views = [
            self._view(job)
            for job in self._service.jobs.values()
            if job.project == project
            and not job.deleted
            and not self._service.expired(job)
            and (not wanted or job.job_id in wanted)
        ]
        views = [view for view in views if status is None or view["status"] == status]
        size = int(query.get("page_size", ["50"])[0])
        start = int(query.get("page_token", ["0"])[0])
        following = str(start + size) if start + size < len(views) else None
        page = views[start : start + size]
        return Reply.json({"items": page, "next_page_token": following, "total_size": len(views)})

    def _result(self, job: Job, query: dict[str, list[str]]) -> dict[str, Any]:
        found: dict[str, Any] = {"job": self._view(job)}
        if found["job"]["status"] != "COMPLETED":
            return found
        wanted, numbered = _split(query.get("expand")), list(enumerate(job.pages, start=1))
        if "markdown" in wanted:
            found["markdown"] = {"pages": [_page(job, n, text) for n, text in numbered]}
        if "text" in wanted:
            found["text"] = {"pages": [{"page_number": n, "text": text} for n, text in numbered]}
        if "metadata" in wanted:
            pages = [{"page_number": number, "confidence": 0.9} for number, _ in numbered]
            found["metadata"] = {"pages": pages}
        if "markdown_full" in wanted:
            found["markdown_full"] = "\n\n".join(job.pages)
        return found


def _page(job: Job, number: int, text: str) -> dict[str, Any]:
    if number in job.failed_pages:
        return {"page_number": number, "success": False, "error": "page could not be parsed"}
    return {"page_number": number, "success": True, "markdown": text}


def _split(values: list[str] | None) -> set[str]:
    """Read values that are repeated or separated by commas."""
    return {part for value in values or [] for part in value.split(",")}


def _detail(status: int, detail: str) -> Reply:
    return Reply.json({"detail": detail}, status)


def _invalid(field: str) -> Reply:
    problem = {"type": "missing", "loc": ["body", field], "msg": "Field required", "input": None}
    return Reply.json({"detail": [problem]}, 422)


def _broken(fault: str | None) -> Reply | None:
    if fault in {"500", "503"}:
        reference = uuid.uuid4()
        detail = (
            "Oops! Something went wrong on our end. If the error persists, contact support, "
            f"providing this correlation ID: {reference}"
        )
        return _detail(int(fault), detail)
    if fault == "html502":
        return Reply(502, b"<html><body>502 Bad Gateway</body></html>", {}, "text/html")
    return DROPPED if fault == "drop_before" else None


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return parts.scheme != "https" or host == "localhost"
    return True
