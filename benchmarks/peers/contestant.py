"""Do a piece of work each time a line names it, and print what it took: one side of a race.

It runs in the peers' environment as well, and so imports nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

Work = Callable[[], Any]


def serve(works: Mapping[str, Work], packages: tuple[str, ...] = ()) -> None:
    """Print the versions of ``packages``, then answer names from stdin until it ends.

    An answer has wall ``seconds``, ``cpu`` seconds of this process and its children, ``peak``
    memory in MiB so far, and the ``value`` that the work returned, which must fit into JSON.
    """
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _say(answers, {"versions": {name: version(name) for name in packages}})
    for line in sys.stdin:
        try:
            answer = measured(works[line.strip()])
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _say(answers, answer)


def measured(work: Work) -> dict[str, Any]:
    """What one piece of work took; see ``serve``."""
    began, cpu = time.perf_counter(), _cpu()
    value = work()
    return {
        "seconds": time.perf_counter() - began,
        "cpu": _cpu() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "value": value,
    }


def _cpu() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _say(answers: Any, content: Mapping[str, Any]) -> None:
    answers.write(f"{json.dumps(content)}\n")
    answers.flush()
