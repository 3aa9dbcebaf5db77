"""The candidates by name, and which of them the gate judges at each horizon."""

CANDIDATES = (
    "zero",
    "mean",
    "drift",
    "ridge",
    "rank_tilt",
    "elastic_net",
    "hist_gradient_boosting",
    "random_forest",
)
# Those that need a library of their own.
EXTRAS = ("rank_tilt_lightgbm",)
# The tilt needs peers to rank: a smaller pool is judged by its ridge.
CHALLENGERS = {"short": "rank_tilt", "long": "drift"}
CHALLENGERS_OF_FEW = {"short": "ridge", "long": "drift"}
# What was tried before these were chosen counts against them. At both horizons every candidate;
# besides, forms of the tilt (linear or trees, inputs, sizes, centred or not: 22), and of the drift
# (in returns or per unit of volatility, by count or by date, five shares: 13).
CONFIGURATIONS = 2 * len(CANDIDATES + EXTRAS) + 22 + 13
