"""Whether a Ray cluster lets anybody in who reaches its ports."""

from ingest.domain.errors import ConfigurationError
from ingest.settings import Settings
from ingest.settings.providers.choice import Profile

_ANSWER_SECONDS = 5.0
OPEN = "lets everybody in who reaches its ports"
ADVICE = (
    "start its nodes with RAY_AUTH_MODE=token and one token (docs/deploy.md, A cluster), and set "
    "RAY_AUTH_MODE=token here"
)


def ensure_closed(settings: Settings) -> None:
    """Refuse to work on a cluster on which anybody can run code.

    On a cluster of one node it is left to the operator, unless the profile is production.

    Args:
        settings: Of this process, which is connected to the cluster.

    Raises:
        ConfigurationError: the cluster asks for no token; the message says what to do.
    """
    import ray

    nodes = sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
    is_production = settings.profile is Profile.PRODUCTION
    if (nodes < 2 and not is_production) or asks_for_token(_address()):
        return
    because = "INGEST_PROFILE=production refuses it" if is_production else f"it has {nodes} nodes"
    raise ConfigurationError(
        f"the Ray cluster at {settings.ray_address} {OPEN}, and {because}: {ADVICE}"
    )


def asks_for_token(address: str) -> bool:
    """Whether the Ray at ``host:port`` refuses a caller without its token.

    One that does not answer counts as closed: then it is closed to us.
    """
    import grpc
    from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc

    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(address, options=options) as channel:
        stub = gcs_service_pb2_grpc.NodeInfoGcsServiceStub(channel)  # type: ignore[no-untyped-call]
        question = gcs_service_pb2.CheckAliveRequest()  # type: ignore[attr-defined]
        try:
            stub.CheckAlive(question, timeout=_ANSWER_SECONDS)
        except grpc.RpcError:
            return True
    return False


def _address() -> str:
    import ray

    return str(ray.get_runtime_context().gcs_address)
