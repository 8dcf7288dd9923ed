"""Which tiers may still answer when a day's budget runs low. Pure."""

from collections.abc import Callable, Sequence
from typing import Literal

from backend.llm.budget import Prices
from backend.llm.extractive_tier import ExtractiveTier
from backend.llm.race import Member

# Ordered: each leaves fewer tiers than the one before it. All tiers; of those that ask a model only the cheapest; only
# those without prices; only those that quote.
Thrift = Literal["none", "cheapest", "free", "quote"]


def affordable(members: Sequence[Member], thrift: Thrift) -> Callable[[Member], bool]:
    """Whether a tier of these may be asked. Tiers that quote always may: they cost neither tokens nor money."""
    least = min((price(member) for member in members if not quotes(member)), default=0.0)

    def may_be_asked(member: Member) -> bool:
        if thrift == "none" or quotes(member):
            return True
        if thrift == "cheapest":
            return price(member) <= least
        return thrift == "free" and member.prices == Prices()

    return may_be_asked


def quotes(member: Member) -> bool:
    """Whether a tier asks no model."""
    return isinstance(member.tier, ExtractiveTier)


def price(member: Member) -> float:
    """What tiers are compared by: an answer takes several times as many tokens to read as to write, and these cost
    several times as much each, so that both prices weigh about the same."""
    return member.prices.prompt + member.prices.completion
