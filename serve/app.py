"""The gateway on Ray Serve: ``serve.app:build_app``."""

from fastapi import FastAPI
from ray import serve as ray_serve

from ingest import logs
from ingest.cluster.limiter import SharedGate
from ingest.domain.errors import ConfigurationError
from ingest.settings import load

from .api import create_api

NAME = "gateway"
MAX_ONGOING_REQUESTS = 1000
"""For each replica; every client that follows a job live counts as one."""
DRAIN_SECONDS = 10.0
"""How long a replica that is told to stop may finish what it has begun."""


def build_api() -> FastAPI:
    """The API of one replica, from that process's own environment."""
    settings = load()
    logs.configure(settings.log_level)
    return create_api(settings, gate=SharedGate(), names_responses=False)


class Gateway:
    """One replica."""

    async def check_health(self) -> None:
        """Answers as long as the event loop turns.

        The database is not asked: a new replica would not bring it back.
        """


GatewayDeployment = ray_serve.deployment(
    name=NAME,
    max_ongoing_requests=MAX_ONGOING_REQUESTS,
    ray_actor_options={"num_cpus": 0.1},
    health_check_period_s=10,
    health_check_timeout_s=30,
    graceful_shutdown_timeout_s=DRAIN_SECONDS,
    graceful_shutdown_wait_loop_s=0.5,
    logging_config={"log_level": "WARNING", "enable_access_log": False},
)(ray_serve.ingress(build_api)(Gateway))


def build_app(args: dict[str, str] | None = None) -> ray_serve.Application:
    """The application for ``serve run`` and for a Serve config file.

    Nothing but the number of replicas is read here; each replica reads the settings itself, so
    that no secret travels through Ray.

    Raises:
        ConfigurationError: arguments were given; settings are environment variables.
    """
    if args:
        raise ConfigurationError(f"the gateway takes no arguments, got {sorted(args)}")
    return GatewayDeployment.options(num_replicas=load().http_replicas).bind()
