"""Webhooks of providers: each says that a parse has ended; it is verified and answered at once."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from ingest.adapters.parsers.llamaparse import webhook
from ingest.domain.errors import InvalidRequest, NotFound, Unauthenticated
from ingest.domain.remote_parse import WebhookVerdict
from ingest.wiring.providers import WEBHOOK_PATH
from serve.dependencies import CurrentDependencies
from serve.problems import documented

router = APIRouter(tags=["webhooks"])


@router.post(
    WEBHOOK_PATH + "/{token}",
    status_code=204,
    response_class=Response,
    summary="Receive a webhook of LlamaParse",
    responses=documented(401, 404, 413, 422, 503),
)
async def llamaparse(
    token: str,
    request: Request,
    gateway: CurrentDependencies,
    lc_signature: Annotated[str, Header(alias=webhook.SIGNATURE)] = "",
) -> Response:
    """Note that a parse has ended. The token in the path names the parse; the body is not used.

    The parse is then polled at the provider; a repeated, late or reordered delivery has no effect.
    """
    addressee = await gateway.webhooks.addressee(token)
    if addressee is None:
        raise NotFound("there is no parse with this token")
    body = await request.body()
    digest = hashlib.sha256(body).digest()
    source = request.client.host if request.client else "unknown"
    store, secret = gateway.webhooks, gateway.settings.llamaparse_webhook_secret
    if secret is not None and not webhook.is_signed(body, lc_signature, secret.get_secret_value()):
        await store.refuse(addressee, WebhookVerdict.FORGED, body_sha256=digest, source=source)
        raise Unauthenticated("the signature does not match the body")
    try:
        event, name = webhook.read(body)
    except InvalidRequest:
        await store.refuse(addressee, WebhookVerdict.MALFORMED, body_sha256=digest, source=source)
        raise
    if addressee.provider_job_id not in {None, name}:
        await store.refuse(addressee, WebhookVerdict.FORGED, body_sha256=digest, source=source)
        raise Unauthenticated("the event is about another parse")
    await store.accept(addressee, event, body_sha256=digest, source=source)
    return Response(status_code=204)
