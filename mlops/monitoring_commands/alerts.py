"""List alerts, take care of one, silence some, and try the channels: `monitoring alerts`."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from src.core.errors import BadInput, DatabaseUnavailable, UsageError
from src.stages.arguments import Parser, add_config, moment
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.alerts import AlertGroup
    from src.db.watched.alerts import AlertTables

LONGEST_SILENCE = dt.timedelta(days=90)


def add_alerts(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add ``alerts`` and its own subcommands to those of ``python -m mlops.monitoring``."""
    alerts = commands.add_parser(
        "alerts", help="list, acknowledge and silence alerts, and try the channels"
    )
    actions = alerts.add_subparsers(required=True, metavar="ACTION")
    listing = _action(actions, "list", _list, "list what is wrong, who was told, what is silenced")
    listing.add_argument(
        "--all", action="store_true", help="also what may become an alert, and what is over"
    )
    ack = _action(actions, "ack", _acknowledge, "take care of an alert: it is quiet until it ends")
    ack.add_argument("fingerprint", help="of the alert, from its message or from `list`")
    ack.add_argument("--note", default="", help="what you are doing about it")
    _add_person(ack)
    silence = _action(actions, "silence", _silence, "keep alerts quiet until a time")
    silence.add_argument("--rule", metavar="PATTERN", help="such as features_* (default: any)")
    silence.add_argument("--subject", metavar="PATTERN", help="such as TCS.NS (default: any)")
    silence.add_argument("--reason", metavar="TEXT", help="why, for others")
    until = silence.add_mutually_exclusive_group(required=True)
    until.add_argument("--until", type=moment, metavar="TIME", help="such as 2026-04-13T18:00Z")
    until.add_argument("--hours", type=_hours, metavar="N", help="from now on")
    until.add_argument("--end", type=int, metavar="NUMBER", help="end the silence of that number")
    _add_person(silence)
    _action(actions, "test", _test, "send a test message through every channel")


def _action(
    actions: argparse._SubParsersAction[Parser], name: str, run: object, summary: str
) -> Parser:
    parser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    add_config(parser)
    parser.set_defaults(run=run)
    return parser


def _add_person(parser: Parser) -> None:
    parser.add_argument("--by", metavar="NAME", help="who you are (default: your account)")


def _hours(text: str) -> dt.timedelta:
    try:
        hours = dt.timedelta(hours=float(text))
    except (ValueError, OverflowError):
        hours = dt.timedelta(0)
    if not dt.timedelta(0) < hours <= LONGEST_SILENCE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours up to 2160 (90 days)")
    return hours


def _list(args: argparse.Namespace) -> int:
    from mlops.monitoring_commands.alerts_table import alerts_text
    from src.monitoring.delivery.channels import from_settings
    from src.monitoring.delivery.journal import Journal

    settings, now = set_up(args)
    try:
        with _tables(settings) as tables:
            states, silences = tables.load(), tables.silences(now)
            acknowledged, taken = tables.acknowledgements(), tables.outbox.taken()
            configured = {channel.name for channel in from_settings(settings)}
            records = [
                record
                for record in tables.outbox.records(now - dt.timedelta(days=7))
                if record.channel in configured
            ]
    except DatabaseUnavailable as error:
        kept = Journal(settings.home).read()
        acknowledged = {each.fingerprint: each for each in kept.acknowledgements}
        text = alerts_text(kept.states, kept.silences, acknowledged, [], None, now, args.all)
        sys.stdout.write(f"{text}\n")
        sys.stderr.write(f"{error} Shown is what this machine's journal knows.\n")
        return error.exit_code
    text = alerts_text(states, silences, acknowledged, records, taken, now, args.all)
    sys.stdout.write(f"{text}\n")
    return 0


def _acknowledge(args: argparse.Namespace) -> int:
    from src.core.alerts import Acknowledgement

    settings, now = set_up(args)
    person = _person(args)
    with _tables(settings) as tables:
        group = _group(tables, args.fingerprint)
        # One of before it began would not count, and clocks of machines differ.
        at = max(now, group.since)
        tables.acknowledge(Acknowledgement(group.fingerprint, person, at, args.note))
    name = f"{group.rule} {group.name}".strip()
    sys.stdout.write(
        f"{person} takes care of {name}: it is quiet until it ends, but for what joins it later.\n"
    )
    return 0


def _check_rule(pattern: str) -> None:
    """Refuse a pattern that a typing error lets match nothing.

    Raises:
        UsageError: No rule has such a name.
    """
    from fnmatch import fnmatchcase

    from src.monitoring.rules import RULES

    if not any(fnmatchcase(name, pattern) for name in RULES):
        raise UsageError(f"No rule is called {pattern}: docs/runbook.md has an entry for each.")


def _silence(args: argparse.Namespace) -> int:
    from src.core.alerts import Silence

    settings, now = set_up(args)
    if args.end is not None:
        with _tables(settings) as tables:
            if not tables.end_silence(args.end, now):
                raise BadInput(f"There is no silence {args.end}: see `alerts list`.")
        sys.stdout.write(f"Silence {args.end} has ended: what still holds is told once.\n")
        return 0
    ends_at = now + args.hours if args.hours else args.until
    if not now < ends_at <= now + LONGEST_SILENCE:
        raise UsageError("A silence must end after now and within 90 days: give another --until.")
    if not (args.reason or "").strip():
        raise UsageError("A silence needs a reason, for others: give --reason TEXT.")
    if args.rule is None and args.subject is None:
        raise UsageError("A silence needs --rule or --subject; --rule '*' hides everything.")
    rule, subject = args.rule or "*", args.subject or "*"
    _check_rule(rule)
    silence = Silence(rule, subject, args.reason.strip(), _person(args), now, ends_at)
    with _tables(settings) as tables:
        number = tables.silence(silence)
        hidden = sum(silence.hides(alert, now) for alert in tables.load().alerts.values())
    sys.stdout.write(
        f"Silence {number}: nothing is told of rule {rule} of {subject} until "
        f"{ends_at:%Y-%m-%d %H:%M} UTC. It hides {hidden} alert{'s' * (hidden != 1)} now.\n"
    )
    return 0


def _test(args: argparse.Namespace) -> int:
    from src.monitoring.delivery.channels import from_settings
    from src.monitoring.delivery.trial import try_channels

    settings, now = set_up(args)
    channels = from_settings(settings)
    if not channels:
        raise BadInput(
            "No channel is configured: set FORECAST_MONITORING__ALERT_URLS to addresses as Apprise "
            "writes them, such as slack://…, pagerduty://…, mailto://… or json://HOST/PATH."
        )
    failed = 0
    for attempt in try_channels(channels, now):
        well = attempt.outcome == "delivered"
        failed += not well
        result = "delivered" if well else f"{attempt.outcome.replace('_', ' ')}: {attempt.reason}"
        sys.stdout.write(f"{attempt.channel:<24} {attempt.seconds:5.1f} s  {result}\n")
    return 1 if failed else 0


def _group(tables: AlertTables, text: str) -> AlertGroup:
    groups = [
        group for group in tables.load().groups.values() if group.fingerprint.startswith(text)
    ]
    if len(groups) != 1 or len(text) < 4:
        problem = f"fits {len(groups)} of them" if groups else "is none of them"
        raise BadInput(f"{text!r} {problem}: give a fingerprint as `alerts list` shows it.")
    return groups[0]


def _person(args: argparse.Namespace) -> str:
    import os

    from src.db.embedded.os_account import account_name

    return (args.by or "").strip() or account_name(os.geteuid())


@contextmanager
def _tables(settings: Settings) -> Iterator[AlertTables]:
    from src.db.database import open_database
    from src.db.watched.alerts import AlertTables

    with open_database(settings.server, settings.home) as database:
        yield AlertTables(database.control)
