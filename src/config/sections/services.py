"""Settings of the API, of the dashboard and of what is watched."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from src.config.sections.section import Section

# As ``src.dashboard.login.passwords`` writes them: numbers, then salt and key in base64.
SCRYPT = r"scrypt(\$\d{1,7}){3}(\$[A-Za-z0-9+/]+={0,2}){2}"


class ApiSettings(Section):
    """Where the prediction API listens, and which requests it accepts.

    Attributes:
        host: Address that ``python -m src.api`` listens on.
        port: Port that it listens on.
        keys: SHA-256 of each accepted API key, in hexadecimal; without any, no key is needed.
        rate_per_minute: Requests per minute and API key, or address where no key was sent; None
            for any number.
        trusted_proxies: Addresses or networks of proxies whose X-Forwarded-For is believed.
        max_body_bytes: Largest body of a request, in bytes.
        cors_origins: Sites whose pages may send requests, such as ``https://example.org``.
        trusted_hosts: Host names that requests may use; ``*`` for any.
        log_queue: Forecasts that may wait to be logged.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    keys: tuple[str, ...] = ()
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    trusted_proxies: tuple[str, ...] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    cors_origins: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    log_queue: Annotated[int, Field(ge=1)] = 10_000

    @field_validator("keys", "cors_origins", "trusted_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _list_with_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("keys")
    @classmethod
    def _hashes_only(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch("[0-9a-f]{64}", key) for key in keys):
            raise ValueError("give the SHA-256 of each key: printf %s KEY | sha256sum | cut -c1-64")
        return keys

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_only(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError("give addresses or networks: 10.0.0.5 or 10.0.0.0/8") from None
        return proxies


class MonitoringSettings(Section):
    """Limits of what is watched, and where alerts are sent.

    Attributes:
        alert_urls: Channels as Apprise names them, such as ``slack://…``, ``pagerduty://…``,
            ``mailto://…`` or ``json://HOST``; several with spaces between them.
        alert_timeout_seconds: How long a channel may take to answer; one that answers later may
            be told twice.
        heartbeat_url: Where a service in the protocol of Healthchecks is told of each run.
        model_stale_after_days: Age of a fit, in days, that is a WARNING.
        quality_alert_below: Score of data quality, 0 to 100, below which there is a WARNING.
        min_free_disk_share: Smallest free share of the disks of ``home`` and of the database.
        run_minutes: A run that takes longer is a WARNING.
        keep_metrics_days: Files of metrics that are older are deleted.
    """

    alert_urls: tuple[SecretStr, ...] = ()
    alert_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    heartbeat_url: SecretStr | None = None
    model_stale_after_days: Annotated[int, Field(ge=1)] = 400
    quality_alert_below: Annotated[float, Field(ge=0, le=100)] = 80.0
    min_free_disk_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    run_minutes: Annotated[float, Field(gt=0)] = 120.0
    keep_metrics_days: Annotated[int, Field(ge=1)] = 400

    @field_validator("alert_urls", mode="before")
    @classmethod
    def _list_with_spaces(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value


class DashboardSettings(Section):
    """What the dashboard asks, and who may press its buttons.

    Attributes:
        api_url: URL of the prediction API; None for this machine's, at the API's port.
        password_hash: Hash of the password that controls need, as ``python -m src.dashboard.login``
            prints it; None where nobody has to log in.
        prices_folder: Folder whose files a run may take that was asked for on a page; a relative
            one is below ``home``.
    """

    api_url: str | None = None
    password_hash: SecretStr | None = None
    prices_folder: Path = Path("prices")

    @field_validator("password_hash", mode="before")
    @classmethod
    def _hash_only(cls, value: object) -> object:
        if isinstance(value, str) and value and not re.fullmatch(SCRYPT, value):
            raise ValueError("give a hash: python -m src.dashboard.login prints one")
        return value or None
