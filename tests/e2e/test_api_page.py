"""/docs in a real browser that can reach nothing but the service."""

import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run "
    "--virtual-time-budget=10000 --dump-dom"
)


@pytest.fixture(scope="module")
def browser():
    """The browser's path."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    return path


@pytest.fixture(scope="module")
def page(api, browser, tmp_path_factory):
    """What stands on the page when its scripts have run."""
    done = subprocess.run(
        [
            browser,
            *FLAGS.split(),
            f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"{api.url}/docs",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_every_route_is_shown_without_any_other_site(page, api):
    paths = api.get("/openapi.json").json()["paths"]
    shown = set(re.findall(r'data-path="([^"]+)"', page))

    assert len(paths) > 7
    assert shown == set(paths)


def test_nothing_on_the_page_comes_from_another_site(page, api):
    urls = re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', page)

    assert [url for url in urls if not url.startswith(api.url)] == []
