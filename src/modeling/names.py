"""The candidates by name, and which of them the gate judges at each horizon."""

CANDIDATES = (
    "zero",
    "mean",
    "drift",
    "ridge",
    "elastic_net",
    "hist_gradient_boosting",
    "random_forest",
)
CHALLENGERS = {"short": "ridge", "long": "drift"}
# What was tried before these were chosen counts against them: every candidate, at both horizons.
CONFIGURATIONS = 2 * len(CANDIDATES)
