"""Whether prices belong to another exchange: too many lie on days when the ticker's was closed."""

from __future__ import annotations

from src.core.calendars.exchanges import exchange_of

# Measured: genuine files have up to 1.15 % of their rows on days when NSE was closed, those of
# other exchanges 4.5 % and more.
MAX_SHARE, MIN_ROWS = 0.02, 5


def are_from_another_exchange(closed: int, rows: int) -> bool:
    """Whether ``closed`` of ``rows`` daily rows are too many to lie on days without a session."""
    return closed >= MIN_ROWS and closed > MAX_SHARE * rows


def closed_days_message(ticker: str, closed: int, rows: int) -> str:
    """How many rows lie on closed days, what that means and what to check."""
    return (
        f"{closed} of {rows} rows ({closed / max(rows, 1):.1%}) lie on days when "
        f"{exchange_of(ticker).name} was closed: the prices probably belong to another exchange "
        f"than {ticker}'s. Check the file and --ticker."
    )
