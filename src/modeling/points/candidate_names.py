"""List the candidate models, and which of them the gate judges at each horizon.

Kept apart from ``candidates``, so that ``--help`` can list the names without importing numpy.
"""

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
# These need a library that is not always installed.
OPTIONAL_CANDIDATES = ("rank_tilt_lightgbm",)
# Those whose newest model can be stored, so that runs that train nothing can forecast with it.
STORABLE_CANDIDATES = ("zero", "drift", "ridge", "rank_tilt", "rank_tilt_lightgbm")
# The tilt needs peers to rank: a smaller pool is judged by its ridge.
CHALLENGERS = {"short": "rank_tilt", "long": "drift"}
SMALL_POOL_CHALLENGERS = {"short": "ridge", "long": "drift"}
# Everything that was tried before these were chosen counts against them: at both horizons every
# candidate, 34 forms of the tilt (linear or trees, inputs, sizes, centred or not; twelve that would
# cost less to fit, of which none was taken) and 13 of the drift (in returns or per unit of
# volatility, by count or by date, five shares); and 1 for the gate, whose rule at one session was
# changed when the panel's outcomes were known.
CONFIGURATIONS = 2 * len(CANDIDATES + OPTIONAL_CANDIDATES) + 34 + 13 + 1
