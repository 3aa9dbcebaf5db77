"""All faults by name."""

from __future__ import annotations

from tests.chaos.faults import files, processes, surroundings
from tests.chaos.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault for module in (processes, surroundings, files) for fault in module.FAULTS
}
KINDS = tuple(dict.fromkeys(fault.kind for fault in FAULTS.values()))
