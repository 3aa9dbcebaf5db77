"""What sections of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Settings that belong together; immutable, and without keys that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")
