"""Chooses the gateway of a command, and connects to it."""

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.instance import Instance

BATCH_PATIENCE_SECONDS = 60.0
"""How long an upload or a wait repeats requests while the gateway is busy or does not answer."""


def default_url() -> str:
    """The URL of the system on this state folder; without one, the URL from the settings."""
    from ingest import settings

    loaded = settings.load()
    return Instance(loaded.state_dir).url() or gateway_url(loaded.host, loaded.port)


def gateway_url(host: str, port: int) -> str:
    """The URL by which a client on this machine reaches a gateway on a host and port."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 not bound here
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def connect(
    url: str | None, key: str | None, *, patience: float = 0, connections: int = 4
) -> GatewayClient:
    """Connect to the gateway at a URL, or to the default gateway.

    Raises:
        WrongUsage: the URL is not valid.
        ConfigurationError: the settings are wrong.
    """
    return GatewayClient(url or default_url(), key, patience=patience, connections=connections)
