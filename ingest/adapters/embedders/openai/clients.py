"""Makes one client of the official SDK for each key; the SDK's own retries are off."""

import asyncio

import httpx2
import openai

from ingest.domain.provider import ProviderKey


class Clients:
    """The clients of each event loop, because a connection belongs to the loop that opened it."""

    def __init__(self, *, base_url: str | None, timeout_seconds: float, connections: int) -> None:
        """Prepare the clients, without connecting.

        Args:
            base_url: URL of another server with the same protocol.
            timeout_seconds: Time-out of a request.
            connections: Most calls at the same time.
        """
        self._base_url = base_url
        self._timeout = httpx2.Timeout(timeout_seconds, connect=5.0)
        self._connections = connections
        self._clients: dict[str, openai.AsyncOpenAI] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def of(self, key: ProviderKey) -> openai.AsyncOpenAI:
        """The client of a key in the running event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._clients, self._loop = {}, loop
        if key.fingerprint not in self._clients:
            self._clients[key.fingerprint] = openai.AsyncOpenAI(
                api_key=key.secret,
                base_url=self._base_url,
                max_retries=0,
                timeout=self._timeout,
                http_client=httpx2.AsyncClient(
                    timeout=self._timeout,
                    limits=httpx2.Limits(
                        max_connections=self._connections,
                        max_keepalive_connections=self._connections,
                        keepalive_expiry=30.0,
                    ),
                ),
            )
        return self._clients[key.fingerprint]

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()
