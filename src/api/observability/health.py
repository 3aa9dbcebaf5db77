"""Is the service ready to answer, and if not, what is in the way: one sentence a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from src.api.forecasts import response
from src.core.errors import ForecastError
from src.db.tables import live_inputs

if TYPE_CHECKING:
    from src.api.forecasts.service import Desk

HORIZONS = ("short", "long")


@dataclass(frozen=True)
class Part:
    """One thing the service needs; without what is ``required`` it is not ready."""

    name: str
    ok: bool
    detail: str
    required: bool = True


async def parts(desk: Desk, ticker: str) -> list[Part]:
    """All parts; models and data are those of ``ticker``."""
    return [
        await _database(desk),
        _hearing(desk),
        *[part for horizon in HORIZONS for part in await _forecast(desk, (ticker, horizon))],
        _log(desk),
    ]


def told(found: Sequence[Part]) -> dict[str, Any]:
    """What is said of the parts."""
    if any(part.required and not part.ok for part in found):
        status = "not ready"
    else:
        status = "ready" if all(part.ok for part in found) else "degraded"
    return {"status": status, "parts": [asdict(part) for part in found]}


def reason(found: Sequence[Part]) -> str:
    """Every failing part that is required, in one sentence."""
    failing = {part.detail.rstrip(".") for part in found if part.required and not part.ok}
    return f"Not ready: {'; '.join(sorted(failing))}."


async def _database(desk: Desk) -> Part:
    try:
        await desk.reader.run(live_inputs.fingerprint)
    except ForecastError as error:
        return Part("database", ok=False, detail=str(error))
    return Part("database", ok=True, detail="It answers.")


def _hearing(desk: Desk) -> Part:
    if desk.watch.hears():
        return Part("notices", ok=True, detail="Changes are heard of.", required=False)
    why = desk.watch.why or "No sign of life from the database for some seconds."
    return Part("notices", ok=False, detail=why, required=False)


async def _forecast(desk: Desk, pair: tuple[str, str]) -> list[Part]:
    ticker, horizon = pair
    model = f"model_{horizon}"
    try:
        kept, _, lost = await desk.forecast(pair)
    except ForecastError as error:
        return [Part(model, ok=False, detail=str(error))]
    problem = kept.problem or lost
    said = f"{ticker} is answered by {kept.made.said['model']['name']}."
    old = kept.aged(desk.now())
    stale = response.stale(kept.made, old, desk.stale_after)
    return [
        Part(model, ok=problem is None, detail=problem or said),
        Part(
            f"data_{horizon}",
            ok=stale is None,
            detail=stale or f"The newest price of {ticker} is of {kept.made.feature_date}.",
        ),
    ]


def _log(desk: Desk) -> Part:
    book = desk.logbook
    if book.why is None:
        said = f"Forecasts that wait to be logged: {book.backlog}."
        return Part("log", ok=True, detail=said, required=False)
    said = f"{book.backlog} of the served forecasts wait to be logged: {book.why}"
    return Part("log", ok=False, detail=said, required=False)
