"""Place round prices on an axis and write them as the rest of the page does."""

from __future__ import annotations

import math
from typing import Any

from src.dashboard import wording

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def price_axis(low: float, high: float, *, indian: bool, most: int = 6) -> dict[str, Any]:
    """``tickvals`` and ``ticktext`` of an axis from ``low`` to ``high``, both above zero."""
    rough = (high - low) / most
    if rough <= 0:
        return {"tickvals": [low], "ticktext": [wording.price(low, indian=indian)]}
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in _STEPS if each * size >= rough)
    digits = next(n for n in range(9) if math.isclose(round(step, n), step))
    values = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return {
        "tickvals": values,
        "ticktext": [wording.price(each, indian=indian, digits=digits) for each in values],
    }
