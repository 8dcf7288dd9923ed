"""The settings of how often, and how much at once, anybody may ask."""

from collections.abc import Mapping

from pydantic import Field

from backend.settings_section import Section

MOST = 1_000_000_000


class WindowLimits(Section):
    per_minute: int = Field(ge=1, le=MOST)
    per_hour: int = Field(ge=1, le=MOST)


class AskerLimits(WindowLimits):
    runs: int = Field(ge=1, le=MOST)


class BudgetSettings(Section):
    tokens: int | None = Field(default=None, ge=1)
    cost: float | None = Field(default=None, gt=0)

    @property
    def is_set(self) -> bool:
        """Whether it limits anything."""
        return self.tokens is not None or self.cost is not None


class BudgetsSettings(Section):
    site: BudgetSettings
    creator: BudgetSettings


class LimitsSettings(Section):
    visitor: AskerLimits
    address: AskerLimits
    user: AskerLimits
    key: AskerLimits
    site: WindowLimits
    creator: WindowLimits

    def too_near(self, sites: Mapping[str, WindowLimits]) -> str | None:
        """The first limit of a creator or of one of these `sites`, by its key, that one client could use up alone: it
        has to be twice any client's."""
        shared = {"limits.creator": self.creator, "limits.site": self.site} | dict(sites)
        for window in ("per_minute", "per_hour"):
            most = max(getattr(client, window) for client in (self.visitor, self.address, self.user, self.key))
            for name, limits in shared.items():
                if getattr(limits, window) < 2 * most:
                    return f"{name}.{window}"
        return None
