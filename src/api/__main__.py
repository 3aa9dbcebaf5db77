"""``python -m src.api``: serve the prediction API by uvicorn, at the configured address."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from src.stages.arguments import EPILOG, Parser
from src.stages.cli import run_command

SHUTDOWN_TIMEOUT = 10  # seconds for answers under way; a client that never reads is not waited for


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it."""
    Parser(
        prog="python -m src.api",
        description="Serve forecasts; the address is set by FORECAST_API__HOST and __PORT.",
        epilog=EPILOG,
    ).parse_args(argv)
    import uvicorn

    from src.api.routes.ticker_parameter import parse_ticker
    from src.config.address import API, check_address
    from src.config.load import load_settings
    from src.registry.storage.signing import signing_keys

    settings = load_settings()
    # Settings that cannot be used are reported before anything starts.
    signing_keys(settings)
    parse_ticker(settings.data.ticker)
    check_address(settings.api.host, settings.api.port, API)
    uvicorn.run(
        "src.api.predict_simple:app",
        host=settings.api.host,
        port=settings.api.port,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
        workers=1,
        proxy_headers=False,  # FORECAST_API__TRUSTED_PROXIES says whose are believed
        log_level=settings.log_level.lower(),
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
