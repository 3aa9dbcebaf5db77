"""The pipeline as data: five stages in the order in which they run."""

from src.data import cleaning, ingest
from src.features import features_daily, validation
from src.modeling import train
from src.stages.stage import Stage

STAGES: tuple[Stage, ...] = (
    ingest.stage(None),
    cleaning.STAGE,
    features_daily.STAGE,
    validation.STAGE,
    train.STAGE,
)
