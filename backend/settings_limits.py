"""The settings of how often, and how much at once, anybody may ask."""

from pydantic import Field

from backend.settings_section import Section

MOST = 1_000_000_000


class CreatorLimits(Section):
    per_minute: int = Field(ge=1, le=MOST)
    per_hour: int = Field(ge=1, le=MOST)


class AskerLimits(CreatorLimits):
    runs: int = Field(ge=1, le=MOST)


class LimitsSettings(Section):
    visitor: AskerLimits
    address: AskerLimits
    creator: CreatorLimits

    def too_near(self) -> str | None:
        """The limit of a creator that one visitor or address could use up alone: it has to be twice theirs."""
        for window in ("per_minute", "per_hour"):
            asker = max(getattr(self.visitor, window), getattr(self.address, window))
            if getattr(self.creator, window) < 2 * asker:
                return f"creator.{window}"
        return None
