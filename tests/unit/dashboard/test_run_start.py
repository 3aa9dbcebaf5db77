"""What a press of a button that starts a run asks for."""

from src.dashboard import readers
from src.dashboard.login import access
from src.dashboard.parts.pipeline import start
from src.dashboard.parts.pipeline.start import Choice


def test_a_press_that_was_on_its_way_when_the_choice_became_incomplete_asks_for_nothing(
    monkeypatch,
):
    written = []
    monkeypatch.setattr(access, "allowed", lambda: True)
    monkeypatch.setattr(readers, "write", lambda *values: written.append(values))
    start._press("full", Choice(None, "stored", None, "Name a stock first."), 7)
    assert not written
