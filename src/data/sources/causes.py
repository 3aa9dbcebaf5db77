"""Say in a few words why a server did not answer."""

from __future__ import annotations

import re


def short_cause(error: BaseException) -> str:
    """``Failed to perform, curl: (7) Why. See https://…`` becomes ``Why``."""
    text = " ".join(str(error).split()) or type(error).__name__
    match = re.search(r"curl: \(\d+\) (.*?)\.? See https://", text)
    return match[1] if match else text
