"""Tell a container whether the dashboard answers and every page of it can be drawn.

Streamlit's own health says nothing of pages: it is well while a page fails at its first import.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import requests

from src.core.errors import one_line
from src.stages.arguments import command_parser

URL = "http://127.0.0.1:8501"
HEALTH = "/_stcore/health"
SECONDS = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong, a sentence a line.

    Returns:
        0 where nothing is, else 1.
    """
    summary = "Check that the dashboard answers and that every page of it can be drawn."
    parser = command_parser("src.dashboard.probe", summary)
    parser.add_argument("--url", default=URL, help=f"of the dashboard (default: {URL})")
    logging.disable(logging.WARNING)  # Streamlit warns of a page that nobody looks at
    problems = list(find_problems(parser.parse_args(argv).url))
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def find_problems(url: str) -> Iterator[str]:
    """What keeps the dashboard at ``url`` from showing its pages, a sentence each."""
    try:
        response = requests.get(f"{url.rstrip('/')}{HEALTH}", timeout=SECONDS)
    except requests.RequestException as error:
        yield f"The dashboard does not answer at {url} ({type(error).__name__})."
    else:
        if response.status_code != HTTPStatus.OK:
            yield f"The dashboard answers {response.status_code} at {url}{HEALTH}, not 200."
    try:
        frame = importlib.import_module("src.dashboard.frame")
    except Exception as error:
        yield f"No page can be drawn: {_reason(error)}."
        return
    for title in frame.TITLES:
        try:
            importlib.import_module(f"src.dashboard.pages.{title.file}")
        except Exception as error:
            yield f"The page {title.name} cannot be drawn: {_reason(error)}."


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)}".rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
