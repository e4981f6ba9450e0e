"""Whether a cluster lets everybody in, asked of servers that speak Ray's protocol."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import ray
from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc

from benchmarks.running_system import free_port
from ingest.cli.checks import components
from ingest.cli.checks.findings import Finding, Level
from ingest.cluster.ray_access import asks_for_token, ensure_closed
from ingest.domain.errors import ConfigurationError
from ingest.settings import Settings


class Gcs(gcs_service_pb2_grpc.NodeInfoGcsServiceServicer):
    """What of Ray's head node answers; ``closed`` as with a token."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed

    def CheckAlive(self, request: Any, context: Any) -> Any:  # noqa: N802 - Ray's name
        if self._closed:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken")
        return gcs_service_pb2.CheckAliveReply()  # type: ignore[attr-defined]


@pytest.fixture(params=[True, False], ids=["closed", "open"])
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[str, bool]]:
    server = grpc.server(ThreadPoolExecutor(2))
    servicer = Gcs(closed=request.param)
    add = gcs_service_pb2_grpc.add_NodeInfoGcsServiceServicer_to_server
    add(servicer, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", request.param
    server.stop(None).wait()


def findings(address: str, **chosen: Any) -> list[Finding]:
    settings = Settings(ray_address=address, **chosen)
    return list(components._ray_access(settings))


@pytest.mark.parametrize(
    ("nodes", "profile", "refused_because"),
    [
        (1, "development", None),
        (2, "development", "it has 2 nodes"),
        (1, "production", "INGEST_PROFILE=production refuses it"),
    ],
)
def test_nobody_works_on_a_cluster_that_lets_everybody_in(
    cluster: tuple[str, bool],
    monkeypatch: pytest.MonkeyPatch,
    nodes: int,
    profile: str,
    refused_because: str | None,
) -> None:
    address, closed = cluster
    alive = [{"Alive": True}] * nodes + [{"Alive": False}] * 3
    monkeypatch.setattr(ray, "nodes", lambda: alive)
    context = SimpleNamespace(gcs_address=address)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    settings = Settings(ray_address=address, profile=profile)

    if closed or refused_because is None:
        ensure_closed(settings)
    else:
        with pytest.raises(ConfigurationError, match=refused_because) as refusal:
            ensure_closed(settings)
        assert "RAY_AUTH_MODE=token" in refusal.value.message


def test_only_a_cluster_that_refuses_strangers_asks_for_a_token(cluster: tuple[str, bool]) -> None:
    address, closed = cluster

    assert asks_for_token(address) is closed


@pytest.mark.parametrize("profile", ["development", "production"])
def test_doctor_says_that_a_cluster_is_open(cluster: tuple[str, bool], profile: str) -> None:
    address, closed = cluster

    [found] = findings(address, profile=profile)

    assert found.subject == "ray"
    if closed:
        assert found.level is Level.OK
    else:
        assert found.level is (Level.FAIL if profile == "production" else Level.WARN)
        assert "lets everybody in" in found.text
        assert "RAY_AUTH_MODE=token" in str(found.advice)


def test_doctor_says_that_no_cluster_is_there() -> None:
    [found] = findings(f"127.0.0.1:{free_port()}")

    assert found.level is Level.FAIL
    assert "nothing answers" in found.text


@pytest.mark.parametrize("address", ["auto", "ray://127.0.0.1:10001"])
def test_an_address_that_does_not_tell_is_not_asked(address: str) -> None:
    assert findings(address) == []
