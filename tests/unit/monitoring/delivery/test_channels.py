"""What of a channel's address is a secret, and what it is called."""

import pytest

from src.config.sections.services import MonitoringSettings
from src.config.settings import Settings
from src.monitoring.delivery.channels import from_settings, scheme_of, secrets_of


@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        ("slack://TOKEN-AA/TOKEN-BB/TOKEN-CC/#general", ["TOKEN-AA", "TOKEN-CC"], ["slack"]),
        ("pagerduty://INTKEY12@APIKEY34/source", ["INTKEY12", "APIKEY34"], ["pagerduty"]),
        ("json://u:p.w@hooks.example.org/h00k-token", ["p.w", "h00k-token"], ["hooks.example.org"]),
        ("jsons://h.org/x?+X-Key=a%2Fsecret", ["a%2Fsecret", "a/secret"], ["h.org", "x"]),
        ("mailto://me:word@example.org", ["word"], ["example.org", "me"]),
        ("no address at all", ["no address at all"], []),
    ],
)
def test_keys_are_secret_and_hosts_are_not(url, hidden, shown):
    secrets = secrets_of(url)

    assert url in secrets
    assert secrets.issuperset(hidden)
    assert secrets.isdisjoint(shown)


@pytest.mark.parametrize(
    ("url", "scheme"), [("SLACK://x", "slack"), ("json", "unknown"), ("a b://x", "unknown")]
)
def test_the_kind_is_what_stands_before_the_address(url, scheme):
    assert scheme_of(url) == scheme


def test_addresses_have_names_of_their_own_that_hold_nothing_secret():
    urls = "json://a.org/token-1 json://a.org/token-2 json://a.org/token-1"
    settings = Settings(monitoring=MonitoringSettings(alert_urls=urls, alert_timeout_seconds=9))

    one, two = from_settings(settings)

    assert one.name != two.name
    assert one.name.startswith("json-")
    assert "token" not in repr(one)
    assert one.timeout == 9
