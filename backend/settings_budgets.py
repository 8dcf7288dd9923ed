"""Budgets that could not be kept, or that would refuse somebody."""

from collections.abc import Mapping, Sequence

from backend.errors import ConfigurationError
from backend.settings_limits import BudgetSettings
from backend.settings_tiers import CascadeSettings, TierSettings, UpstreamTierSettings


def refuse_budgets(
    budgets: Sequence[BudgetSettings], tiers: Mapping[str, TierSettings], cascade: CascadeSettings
) -> None:
    """Where a budget is used up, something has to answer that costs nothing; and what costs what has to be known.

    Raises `ConfigurationError`.
    """
    unpriced = [
        name
        for name in cascade.tiers
        if isinstance(tier := tiers[name], UpstreamTierSettings)
        and tier.base_url
        and None in (tier.prompt_price, tier.completion_price)
    ]
    if unpriced and any(budget.cost is not None for budget in budgets):
        raise ConfigurationError(
            f"There is a budget of money, and `tiers.{unpriced[0]}` does not say what it costs: set its `prompt_price` "
            "and `completion_price`, to 0 where it is free."
        )
    quoting = [name for name in cascade.order if tiers[name].kind == "extractive"]
    if any(budget.is_set for budget in budgets) and not quoting:
        raise ConfigurationError(
            "There are budgets, and no tier of the kind extractive in `cascade.order` to answer when they are used up: "
            "put one at its end."
        )
