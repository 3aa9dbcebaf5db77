"""Pages of the dashboard run inside the test, without a browser, as Streamlit's own AppTest."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from src.dashboard import readers
from tests.support.dashboards import NO_API, NOW, OF_OURS, ROOT

SECONDS = 120


@contextmanager
def installation(home: Path, url: str, **settings: str) -> Iterator[None]:
    """The settings of an installation while it is looked at; nothing is kept of it afterwards."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(OF_OURS)]:
        del os.environ[name]
    os.environ |= {"FORECAST_HOME": str(home), "FORECAST_NOW": NOW, "DATABASE_URL": url}
    os.environ |= NO_API | settings
    _forget()
    try:
        yield
    finally:
        _close_connections()
        _forget()
        os.environ.clear()
        os.environ |= before
        _close_logs()


def open_page(name: str, **query: str) -> AppTest:
    """A page by the name of its file, drawn once, with parameters of its address."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=SECONDS)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"src/dashboard/pages/{name}.py")
    return app.run()


def text(app: AppTest) -> str:
    """All headings, paragraphs and boxes of a page."""
    parts = [*app.header, *app.subheader, *app.markdown, *app.info, *app.warning, *app.error]
    return "\n".join(part.value for part in parts)


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def _close_connections() -> None:
    with ExitStack() as all_of_them:
        for _ in range(readers.CONNECTIONS):
            all_of_them.enter_context(readers._connections().one()).close()


def _close_logs() -> None:
    for handler in list(logging.getLogger().handlers):
        if getattr(handler, "_ours", False):
            logging.getLogger().removeHandler(handler)
            handler.close()
