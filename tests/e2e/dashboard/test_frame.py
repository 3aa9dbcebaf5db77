"""What all pages share, in a real browser on real prices.

With DASHBOARD_PICTURES=FOLDER each page is saved there, in both widths and themes.
"""

import os
from pathlib import Path

import pytest

from src.dashboard.frame import TITLES

PICTURES = os.environ.get("DASHBOARD_PICTURES")
TABS = {
    "predictions": ("Short-term", "Long-term", "Comparison"),
    "analytics": ("Model Performance", "Predictions History", "Feature Analysis", "Trials"),
    "monitoring": ("Pipeline Runs", "System Health", "Logs", "Data Quality", "Evaluation"),
}
# Colours do not depend on the width; of pictures there are all four.
LOOKS = [(1440, False), (390, True), *([(1440, True), (390, False)] if PICTURES else [])]


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_every_page_is_drawn_and_can_be_used_by_everybody(visit, width, dark):
    visitor = visit(width=width, dark=dark)
    violations = []
    for title in TITLES:
        page = visitor.open(
            "?stock=ACE.NS" if title.file == "home" else f"{title.file}?stock=ACE.NS"
        )
        assert page.inner_text("h1") == title.name
        assert "Prices to Fri 17 Apr 2026" in visitor.text()
        violations += [(title.name, each) for each in visitor.violations()]
        if PICTURES:
            look = "dark" if dark else "light"
            visitor.shoot(Path(PICTURES) / f"{title.file}_{width}_{look}.png")
    assert violations == []


@pytest.mark.parametrize("file", TABS)
def test_every_tab_is_drawn(visit, file):
    visitor = visit()
    page = visitor.open(f"{file}?stock=ACE.NS")
    for tab in TABS[file]:
        page.get_by_role("tab", name=tab).click()
        visitor.settle()
        assert page.locator("[role=tabpanel]:visible").inner_text().strip()
        assert visitor.violations() == []


def test_a_chosen_stock_stays_while_pages_are_walked(visit):
    visitor = visit()
    page = visitor.open("?stock=ACE.NS")
    for place, title in enumerate(TITLES[1:]):
        if place < 2:  # on the first page, and on one that was walked to
            page.wait_for_timeout(4500)  # more than a tick of the frame's timer
        page.get_by_test_id("stTopNav").get_by_role("link", name=title.name).click()
        page.wait_for_selector(f"h1:has-text('{title.name}')")
        visitor.settle()
        assert visitor.stock() == "ACE.NS"
