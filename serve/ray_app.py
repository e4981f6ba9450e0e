"""The gateway on Ray Serve: ``serve.ray_app:build_app``."""

import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import ray
from ray import serve as ray_serve

from ingest import logs
from ingest.cluster import ray_reports
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.domain.errors import ConfigurationError, ProviderUnavailable
from ingest.settings import Settings, load

if TYPE_CHECKING:
    from fastapi import FastAPI

NAME = "gateway"
MAX_ONGOING_REQUESTS = 1000
"""Most requests at a time in each replica; a client that follows a job live counts as one."""
DRAIN_SECONDS = 10.0
"""How long a stopping replica may finish its running requests."""
_TRIES = 2
"""An actor that died during the start is chance once; twice it is the configuration."""


def build_api() -> "FastAPI":
    """Build the API of one replica from the environment of its process."""
    from serve.app import create_api  # in the replica alone: it takes half a second

    settings = load()
    logs.configure(settings.log_level)
    return create_api(settings, rate_limiter=SharedRateLimiter(), names_responses=False)


class Gateway:
    """A replica of the gateway."""

    async def check_health(self) -> None:
        """Return as long as the event loop runs.

        The database is not checked: a new replica would not repair it.
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
    """Build the application for ``serve run`` and for a Serve config file.

    Only the number of replicas is read here. Each replica reads the settings itself, so that no
    secret passes through Ray.

    Raises:
        ConfigurationError: arguments were given; settings are environment variables.
    """
    if args:
        raise ConfigurationError(f"the gateway takes no arguments, got {sorted(args)}")
    return GatewayDeployment.options(num_replicas=load().http_replicas).bind()


def start(settings: Settings, *, report: Callable[[str], None]) -> None:
    """Start Serve and the gateway; start again once when an actor died during the start.

    Raises:
        ProviderUnavailable: the gateway did not start; the message gives the reason in one line.
    """
    for left in reversed(range(_TRIES)):
        try:
            _run(settings)
            return
        except (ray.exceptions.RayError, RuntimeError, TimeoutError, OSError) as exc:
            if not left or not isinstance(exc, ray.exceptions.RayActorError):
                why = ray_reports.gateway_reason(exc)
                raise ProviderUnavailable(f"the gateway did not come up: {why}") from exc
        report("an actor of the gateway died; starting it again")
        stop()


def _run(settings: Settings) -> None:
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    ray_serve.start(
        http_options={"host": settings.host, "port": settings.port},
        logging_config={"log_level": "WARNING"},
    )
    ray_serve.run(build_app(), name="ingest", route_prefix="/")


def stop() -> None:
    """Stop the gateway and Serve; do nothing when no Ray is connected."""
    if not ray.is_initialized():
        return  # Serve would start a new Ray to check
    with contextlib.suppress(ray.exceptions.RayError, RuntimeError):
        ray_serve.shutdown()  # type: ignore[no-untyped-call]
