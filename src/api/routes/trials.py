"""The routes below /trials: read, register, split and stop them; writing needs an API key."""

from __future__ import annotations

import datetime as dt
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from starlette.responses import Response

from src.api.database.reader import PATIENCE_FOR_MANY
from src.api.openapi import problems
from src.api.routes.ticker_parameter import parse_ticker
from src.api.schemas.trials import (
    POOL_NAME,
    SplitRequest,
    StopRequest,
    TrialDetailResponse,
    TrialRequest,
    TrialResponse,
    TrialsResponse,
)
from src.core.errors import UsageError
from src.core.trial_status import status_of, statuses
from src.core.trials import USUAL_EFFECTS, Trial, TrialRefused
from src.db.tables.trials import SHORTEST_PREFIX, TrialLog
from src.modeling.trials.register import register, stop
from src.modeling.trials.split import set_share

if TYPE_CHECKING:
    from src.db.reconnect import Connection
    from src.registry.storage.artifact_store import ArtifactStore

router = APIRouter(tags=["trials"])

NO_KEYS = (
    "Trials are registered and stopped with an API key, and this service has none: set "
    "FORECAST_API_KEYS and start it again, or use `python -m mlops.trials`."
)
Hash = Annotated[
    str,
    Path(
        pattern=f"^[0-9a-f]{{{SHORTEST_PREFIX},64}}$",
        description=f"Of the trial, or at least its first {SHORTEST_PREFIX} characters.",
    ),
]
Pool = Annotated[
    str, Query(max_length=32, pattern=POOL_NAME, description="Of this pool alone; else of all.")
]
_LINKS = {
    name: {"operationId": name, "parameters": {"hash": "$response.body#/hash"}}
    for name in ("trial", "stop_trial")
}


async def keys_are_set(request: Request) -> None:
    """Refuse to write where no API key is set; the access policy has checked the one that was sent.

    Raises:
        HTTPException: 403.
    """
    if not request.app.state.api.keys:
        raise HTTPException(HTTPStatus.FORBIDDEN, NO_KEYS)


_WITH_KEY = [Depends(keys_are_set)]


@router.get(
    "/trials",
    operation_id="trials",
    responses={200: {"model": TrialsResponse}, **problems(422, 503)},
)
async def trials(request: Request, pool: Pool = "") -> Response:
    """List trials and how they stand, those that have ended too."""
    found = await request.app.state.reports.run(partial(_list, pool), PATIENCE_FOR_MANY)
    return _json({"trials": found})


@router.get(
    "/trials/{hash}",
    operation_id="trial",
    responses={200: {"model": TrialDetailResponse}, **problems(404, 422, 503)},
)
async def trial(request: Request, hash: Hash) -> Response:
    """Show a trial and what happened to it."""
    return _json(await request.app.state.reports.run(partial(_show, hash), PATIENCE_FOR_MANY))


@router.post(
    "/trials",
    operation_id="register_trial",
    dependencies=_WITH_KEY,
    status_code=HTTPStatus.CREATED,
    responses={201: {"model": TrialResponse, "links": _LINKS}, **problems(403, 409, 422, 503)},
)
async def register_trial(request: Request, body: TrialRequest) -> Response:
    """Put a challenger on trial: each run forecasts with it from then on."""
    state = request.app.state
    sessions = getattr(state.horizons, body.horizon)
    work = partial(_register, state.store, body, sessions, state.service.now())
    return _json(await state.reports.run(work, PATIENCE_FOR_MANY), HTTPStatus.CREATED)


@router.post(
    "/trials/{hash}/stop",
    operation_id="stop_trial",
    dependencies=_WITH_KEY,
    responses={200: {"model": TrialDetailResponse}, **problems(403, 404, 409, 422, 503)},
)
async def stop_trial(request: Request, hash: Hash, body: StopRequest) -> Response:
    """End a trial before it is decided; it still counts as a configuration tried."""
    state = request.app.state
    work = partial(_stop, hash, body, state.service.now())
    shown = await state.reports.run(work, PATIENCE_FOR_MANY)
    await state.service.read_splits()
    return _json(shown)


@router.post(
    "/trials/{hash}/split",
    operation_id="split_trial",
    dependencies=_WITH_KEY,
    responses={200: {"model": TrialDetailResponse}, **problems(403, 404, 409, 422, 503)},
)
async def split_trial(request: Request, hash: Hash, body: SplitRequest) -> Response:
    """Let the challenger answer a share of the clients, told apart by X-Client-ID or API key."""
    state = request.app.state
    work = partial(_split, hash, body, state.service.now())
    shown = await state.reports.run(work, PATIENCE_FOR_MANY)
    await state.service.read_splits()
    return _json(shown)


def _list(pool: str, connection: Connection) -> list[dict[str, Any]]:
    log = TrialLog(connection)
    found = statuses(log.trials(pool or None), log.events(series=False))
    return [status.as_json() for status in found]


def _show(prefix: str, connection: Connection) -> dict[str, Any]:
    log = TrialLog(connection)
    found = log.find(prefix)
    events = log.events(found.hash)
    return status_of(found, events).as_json() | {"events": [event.as_json() for event in events]}


def _register(
    store: ArtifactStore,
    body: TrialRequest,
    sessions: int,
    now: dt.datetime,
    connection: Connection,
) -> dict[str, Any]:
    usual = USUAL_EFFECTS[body.horizon]
    fields = body.model_dump() | {
        "smallest_effect": usual if body.smallest_effect is None else body.smallest_effect,
        "settings": body.settings.model_dump(exclude_none=True),
        "tickers": tuple(map(_ticker, body.tickers)),
    }
    stated = Trial(**fields, sessions=sessions, registered_at=now)
    return status_of(register(connection, store, stated), ()).as_json()


def _stop(
    prefix: str, body: StopRequest, now: dt.datetime, connection: Connection
) -> dict[str, Any]:
    found = TrialLog(connection).find(prefix)
    stop(connection, found, body.author, body.reason, now)
    return _show(found.hash, connection)


def _split(
    prefix: str, body: SplitRequest, now: dt.datetime, connection: Connection
) -> dict[str, Any]:
    found = TrialLog(connection).find(prefix)
    set_share(connection, found, body.share, body.author, body.reason, now)
    return _show(found.hash, connection)


def _ticker(text: str) -> str:
    try:
        return parse_ticker(text)
    except UsageError as error:
        raise TrialRefused(str(error)) from error


def _json(content: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
