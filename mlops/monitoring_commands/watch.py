"""The commands ``watch`` and ``deadman`` of ``python -m mlops.monitoring``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mlops.mlflow_export.start import is_installed, start_export
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.monitoring.watch import Look

# Looks, a minute each, between two tries to log to MLflow what a run could not.
EXPORT_EVERY = 15


def add_watch_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``watch``."""
    parser.add_argument("--once", action="store_true", help="evaluate the rules once, then end")


def run_watch(args: argparse.Namespace) -> int:
    """Evaluate all rules every minute, or once, and send what is to be told.

    Returns:
        0; the command ends by itself only with ``--once``, whatever was found.
    """
    from src.config.clock import now
    from src.monitoring.watch import watch, watch_once

    settings, at = set_up(args)
    if args.once:
        look = watch_once(settings, at)
        show(look)
        if not look.messages:
            sys.stdout.write(f"{look.bad} conditions are bad; none of them is new.\n")
        return 0
    if not settings.monitoring.alert_urls:
        sys.stderr.write(
            "No channel is configured (FORECAST_MONITORING__ALERT_URLS): alerts are only shown "
            "here and kept for later.\n"
        )
    sys.stdout.write("Watching: all rules are evaluated every minute.\n")
    sys.stdout.flush()
    watch(settings, lambda: now(settings), _Shown(settings))
    return 0


class _Shown:
    """Shows each look; every quarter of an hour MLflow is brought up to date, where it is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._looks = settings, 0
        self._has_export = settings.mlflow.tracking_uri is not None and is_installed()

    def __call__(self, look: Look) -> None:
        show(look)
        if self._has_export and self._looks % EXPORT_EVERY == 0:
            start_export(self._settings)
        self._looks += 1


def run_deadman(args: argparse.Namespace) -> int:
    """Say on stderr, for cron to mail, that the watch is not at work; else print nothing.

    Returns:
        0 while the watch is at work, else 1.
    """
    from src.monitoring.watch import look_for_the_dead

    settings, at = set_up(args)
    seen = look_for_the_dead(settings, at)
    if not seen.bad:
        return 0
    sys.stderr.write(
        f"{seen.sentence} Start `python -m mlops.monitoring watch` again; the rules were evaluated "
        "and alerts sent by this command instead.\n"
    )
    return 1


def show(look: Look) -> None:
    """Print what is told now, and what could not be sent."""
    for message in look.messages:
        what = message.body.partition("\n")[0]
        sys.stdout.write(f"{message.at:%Y-%m-%d %H:%M} UTC  {message.title}: {what}\n")
    for attempt in look.attempts:
        if attempt.outcome != "delivered":
            sys.stderr.write(f"Not delivered by {attempt.channel}: {attempt.reason}.\n")
    sys.stdout.flush()
