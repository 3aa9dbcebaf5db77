"""Tell a container whether the prediction service answers, and its database too.

That there is no forecast before the first run is no fault of the container.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from src.stages.arguments import command_parser

URL = "http://127.0.0.1:8000"
SECONDS = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong, in one sentence.

    Returns:
        0 where nothing is, else 1.
    """
    summary = "Check that the prediction service answers, and that its database does."
    parser = command_parser("src.api.probe", summary)
    parser.add_argument("--url", default=URL, help=f"of the service (default: {URL})")
    problem = find_problem(parser.parse_args(argv).url)
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem is not None else 0


def find_problem(url: str) -> str | None:
    """What keeps the service at ``url`` from answering; None where nothing does."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"The service does not answer at {url} ({type(error).__name__})."
    finally:
        connection.close()
    if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
        parts = json.loads(body).get("parts", [])
        faults = (part["detail"] for part in parts if part["name"] == "database" and not part["ok"])
        return next(faults, None)
    # One that needs a key, which is not here, answers all the same.
    if response.status in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED):
        return None
    return f"The service answers {response.status} at {url}/health, not 200."


if __name__ == "__main__":
    sys.exit(main())
