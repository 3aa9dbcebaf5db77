"""The table of rules: whole sentences, known severities, and inhibitions that name rules."""

import datetime as dt
import re
from pathlib import Path

from src.core.alerts import SEVERITIES
from src.monitoring.rules import RULES


def test_every_rule_has_a_name_a_severity_and_sentences():
    for name, rule in RULES.items():
        assert rule.name == name
        assert re.fullmatch("[a-z]+(_[a-z]+)*", name)
        assert rule.severity in SEVERITIES
        assert rule.meaning.endswith(".")
        assert rule.action.endswith(".")
        assert rule.pending_for >= dt.timedelta(0)


def test_inhibition_names_other_rules_and_never_runs_in_a_circle():
    def above(name, path=()):
        assert name not in path, (*path, name)
        for other in RULES[name].inhibited_by:
            above(other, (*path, name))

    for name in RULES:
        above(name)


def test_a_repeat_of_no_hours_means_never():
    assert RULES["no_channel"].repeat_after is None
    assert RULES["model_missing"].repeat_after == dt.timedelta(hours=4)
    assert RULES["features_stale"].repeat_after == dt.timedelta(hours=24)


def test_each_rule_has_an_entry_in_the_runbook_and_no_other_is_there():
    runbook = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"
    entries = re.findall(r"^## (\w+)$", runbook.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(entries) == sorted(RULES)
