"""/docs in a real browser that can reach nothing but the service."""

import re

import pytest

from tests.support.browser import dump_dom


@pytest.fixture(scope="module")
def page(api, tmp_path_factory):
    """What stands on the page when its scripts have run."""
    return dump_dom(f"{api.url}/docs", tmp_path_factory.mktemp("browser"))


def test_every_route_is_shown_without_any_other_site(page, api):
    paths = api.get("/openapi.json").json()["paths"]
    shown = set(re.findall(r'data-path="([^"]+)"', page))

    assert len(paths) > 7
    assert shown == set(paths)


def test_nothing_on_the_page_comes_from_another_site(page, api):
    urls = re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', page)

    assert [url for url in urls if not url.startswith(api.url)] == []
