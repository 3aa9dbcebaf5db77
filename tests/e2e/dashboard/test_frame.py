"""What all pages share, in a real browser on real prices."""

import pytest

from src.dashboard.frame import TITLES


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_drawn_without_an_error(visit, width, dark):
    visitor = visit(width=width, dark=dark)
    for title in TITLES:
        path = "" if title.file == "home" else title.file
        page = visitor.open(path)
        assert page.inner_text("h1") == title.name
        assert "Prices to Fri 17 Apr 2026" in visitor.text()


def test_a_chosen_stock_stays_while_pages_are_walked(visit):
    visitor = visit()
    page = visitor.open("?stock=ACE.NS")
    for title in TITLES[1:]:
        page.wait_for_timeout(4500)  # more than a tick of the frame's timer
        page.get_by_role("link", name=title.name).click()
        page.wait_for_selector(f"h1:has-text('{title.name}')")
        visitor.settle()
        assert page.get_by_label("Stock").input_value() == "ACE.NS"
