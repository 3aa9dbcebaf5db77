"""The documentation: built without a warning, current, and without any other host."""

import os
import re
import subprocess
import sys

import pytest

from src.config.settings import Settings
from tests.conftest import ROOT
from website.configuration import PAGE, configuration_page, settings_paths

# What a browser loads by itself; `<a href>` is loaded by a click.
LOADED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)="(https?:|//)[^"]*"')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    folder = tmp_path_factory.mktemp("site")
    build = "-m mkdocs build --strict -f website/mkdocs.yml --site-dir"
    done = subprocess.run(
        [sys.executable, *build.split(), str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_there_and_loads_nothing_from_another_host(site):
    pages = {page.name: page.read_text() for page in site.glob("*.html")}

    assert {"index.html", *(f"{page.stem}.html" for page in (ROOT / "docs").glob("*.md"))} <= set(
        pages
    )
    assert [name for name, text in pages.items() if LOADED.search(text)] == []
    # For blocks of this class the theme would load Mermaid from a host of its own.
    assert [name for name, text in pages.items() if 'class="mermaid"' in text] == []
    assert "images/diagrams/" in pages["architecture.html"]


def test_the_generated_pages_describe_the_routes_and_the_guides_classes(site):
    api, python = ((site / name).read_text() for name in ("api.html", "python.html"))

    assert "<code>/predict/short</code>" in api
    assert "prob_up" in api
    assert all(name in python for name in ("run_full_pipeline", "rollback_to_version"))


def test_the_page_of_settings_is_current():
    assert PAGE.read_text() == configuration_page(), "run `python -m website`"


def test_every_setting_is_described():
    page = configuration_page()
    lines = {path: line for line in page.splitlines() if (path := path_of(line))}

    assert set(lines) == set(settings_paths(Settings))
    assert [path for path, line in lines.items() if not line.split("|")[-2].strip()] == []
    assert "`FORECAST_FEATURES__SMA_PERIODS`" in lines["features.sma_periods"]
    assert "whole number from 2 to 1000" in lines["features.sma_periods"]
    assert "| secret | none |" in lines["database_url"]


def path_of(line):
    found = re.match(r"\| `[A-Z_]+` `([a-z_.]+)` \|", line)
    return found and found[1]
