"""List the five stages of the pipeline in the order in which they run."""

from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.features import features_daily, validation
from src.modeling.training import stage as train
from src.stages.stage import Stage

STAGES: tuple[Stage, ...] = (
    ingest.stage(None),
    cleaning.STAGE,
    features_daily.STAGE,
    validation.STAGE,
    train.STAGE,
)
