"""Which gateway a command talks to."""

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.instance import Instance

BATCH_PATIENCE_SECONDS = 60.0
"""For how long an upload or a wait bears a gateway that is busy or away."""


def default_url() -> str:
    """The gateway of this state folder's system, or where it would be by the settings."""
    from ingest import settings

    loaded = settings.load()
    return Instance(loaded.state_dir).url() or gateway_url(loaded.host, loaded.port)


def gateway_url(host: str, port: int) -> str:
    """Where a client on this machine finds a gateway that listens on a host and port."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 not bound here
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def connect(
    url: str | None, key: str | None, *, patience: float = 0, connections: int = 4
) -> GatewayClient:
    """Connect to the gateway that was named, or to the default one.

    Raises:
        WrongUsage: the URL is none.
        ConfigurationError: the settings are wrong.
    """
    return GatewayClient(url or default_url(), key, patience=patience, connections=connections)
