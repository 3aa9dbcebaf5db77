"""Send one message through one channel, by Apprise.

What counts as delivered is an answer of success from the address itself: redirections are not
followed, since what arrives behind them is an empty GET.
"""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from src.config import logs
from src.core.messages import Message, Outcome

if TYPE_CHECKING:
    import apprise

    from src.config.settings import Settings

# Channels that keep one incident for a key, and close it by a message of that key.
INCIDENTS = ("pagerduty",)
# Parts of an address that are shorter are not hidden by themselves: they are common words.
SHORTEST_SECRET = 6


@dataclass(frozen=True)
class Channel:
    """Where messages are sent.

    Attributes:
        name: The kind of channel and a few digits that tell addresses apart, such as
            ``slack-1c9e0a``; it holds nothing secret.
        url: As Apprise writes it, with its keys.
        timeout: Seconds to wait for a connection, and for an answer.
    """

    name: str
    url: str = field(repr=False)
    timeout: float

    @property
    def scheme(self) -> str:
        """The kind of channel, such as ``slack``."""
        return scheme_of(self.url)

    @property
    def keeps_incidents(self) -> bool:
        """Whether a message opens something that another one of the same fingerprint closes."""
        return self.scheme in INCIDENTS

    def takes(self, message: Message) -> bool:
        """Whether the message is for this channel: a digest is no incident."""
        return not (self.keeps_incidents and message.kind == "digest")

    def send(self, message: Message) -> tuple[Outcome, float, str]:
        """How it went, after how many seconds, and why it failed (empty if it did not)."""
        import apprise

        plugin = apprise.Apprise.instantiate(self._address(message), asset=_asset())
        if plugin is None:
            return "failed", 0.0, f"Apprise cannot use this {self.scheme}:// address"
        began = time.monotonic()
        service = apprise.Apprise(asset=_asset())
        service.add(plugin)
        result = service.notify(
            body=message.body,
            title=message.title,
            notify_type=_notify_type(message),
            body_format=apprise.NotifyFormat.TEXT,
        )
        seconds = time.monotonic() - began
        if result:
            return "delivered", seconds, ""
        if seconds >= self.timeout:
            return "no_answer", seconds, f"no answer within {self.timeout:g} seconds"
        return "failed", seconds, logs.without_secrets(_reason(result))

    def _address(self, message: Message) -> str:
        """The URL with what this message needs; of a name given twice the last one counts."""
        added = {"redirect": "no", "overflow": "truncate"}
        if self.keeps_incidents:
            added |= {"dedup": message.fingerprint, "action": "map"}
        for name in ("cto", "rto"):
            if f"{name}=" not in self.url:
                added[name] = f"{self.timeout:g}"
        query = "&".join(f"{name}={value}" for name, value in added.items())
        return f"{self.url}{'&' if '?' in self.url else '?'}{query}"


def from_settings(settings: Settings) -> list[Channel]:
    """The configured channels, each address once; from here on logs hide their keys."""
    urls = dict.fromkeys(url.get_secret_value() for url in settings.monitoring.alert_urls)
    for url in urls:
        logs.hide(secrets_of(url))
    timeout = settings.monitoring.alert_timeout_seconds
    return [Channel(_name(url), url, timeout) for url in urls]


@cache
def load_apprise() -> None:
    """Import Apprise and its kinds of channels, which takes a third of a second the first time.

    Some of the libraries that it tries warn of their own age; to be called by one thread.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise.instantiate("json://localhost")


def scheme_of(url: str) -> str:
    """What stands before ``://``, if it is one word; else ``unknown``."""
    match = re.match(r"([A-Za-z][A-Za-z0-9]{0,19})://", url)
    return match[1].lower() if match else "unknown"


def secrets_of(url: str) -> set[str]:
    """What of an address may be a key: the whole, and its parts as they are written and read.

    Names of hosts, with a dot in them, are none.
    """
    _, _, rest = url.partition("://")
    path, _, query = (rest or url).partition("?")
    parts = re.split(r"[/:@#,]", path)
    parts += [pair.partition("=")[2] for pair in query.split("&")]
    long = {part for part in parts if len(part) >= SHORTEST_SECRET and "." not in part}
    # A password of an account may have dots in it, and be short.
    account = path.rpartition("@")[0].partition("/")[0]
    long |= set(account.split(":")[1:])
    return {url, *long, *map(unquote, long)}


def _name(url: str) -> str:
    return f"{scheme_of(url)}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


def _asset() -> apprise.AppriseAsset:
    import apprise

    # Without a limit of its own Apprise calls in the caller's thread.
    return apprise.AppriseAsset(
        app_id="tcsns-forecast",
        app_desc="tcsns-forecast",
        http_redirects=False,
        async_mode=False,
        service_timeout=0,
    )


def _notify_type(message: Message) -> apprise.NotifyType:
    from apprise import NotifyType

    if message.kind == "resolved":
        return NotifyType.SUCCESS
    return {
        "INFO": NotifyType.INFO,
        "WARNING": NotifyType.WARNING,
        "CRITICAL": NotifyType.FAILURE,
    }[message.severity]


def _reason(result: apprise.AppriseResult) -> str:
    """What Apprise logged of the failure, on one line."""
    lines = [entry.message for service in result for attempt in service for entry in attempt.logs]
    return " ".join(" ".join(lines).split()).rstrip(".") or "it was refused"
