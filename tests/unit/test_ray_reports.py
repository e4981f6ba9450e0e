"""Errors of Ray are one line for a person, with the reason in it."""

import socket

import pytest

from ingest.cluster.local_ray import LocalRay
from ingest.cluster.ray_reports import reason, short
from ingest.domain.errors import ProviderUnavailable
from ingest.settings import Settings

TRACEBACK = """\x1b[36mray::ServeReplica:ingest:gateway.initialize_and_get_metadata()\x1b[39m
  File "ingest/wiring/providers.py", line 60, in _openai_model
    raise ConfigurationError(text)
ingest.domain.errors.ConfigurationError: INGEST_OPENAI_MODEL is 'nomic'; it must be another

"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TRACEBACK, "INGEST_OPENAI_MODEL is 'nomic'; it must be another"),
        ("Deploying application ingest failed", "Deploying application ingest failed"),
        ("RuntimeError: lifespan failed: no", "lifespan failed: no"),
        ("see a.b and c: that", "see a.b and c: that"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_the_last_line_of_a_traceback(text: str, line: str) -> None:
    assert reason(RuntimeError(text)) == line


def test_a_reason_that_nobody_would_read_is_cut() -> None:
    assert short("x" * 5000) == "x" * 300 + "…"


def test_an_address_at_which_no_ray_answers_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ProviderUnavailable) as caught:
        LocalRay(Settings(ray_address=f"127.0.0.1:{port}")).start()

    assert caught.value.message.startswith(
        f"no Ray answers at 127.0.0.1:{port} (INGEST_RAY_ADDRESS): "
    )
