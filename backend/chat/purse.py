"""How thrifty an answer has to be, by what the day has taken so far; and paying for it."""

from backend.chat.draft import BudgetState, Draft
from backend.conversations.models import Question
from backend.limits.spending import Shares, Spending
from backend.llm.thrift import Thrift

NEAR = 0.8  # from here on a day's last fifth is stretched over as many answers as the cheapest model makes of it
STATES: dict[Thrift, BudgetState] = {"none": "within", "cheapest": "near", "free": "spent", "quote": "spent"}


class Purse:
    """Looks into the budgets of a question's site and creator."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    async def thrift(self, question: Question) -> Thrift:
        """What the question's answer may cost. Does not raise: while the database is away the last that was known of
        it holds."""
        return thrift_at(await self._spending.shares(question.site, question.creator))

    async def pay(self, question: Question, draft: Draft) -> None:
        """Counts what the models took that were asked, unless the database is away. Does not raise."""
        if self._spending.is_limited(question.site, question.creator):
            await self._spending.add(question.site, question.creator, *draft.taken)


def thrift_at(shares: Shares) -> Thrift:
    """What may still be asked at these shares of a day's budgets."""
    if shares.tokens >= 1:
        return "quote"
    if shares.cost >= 1:
        return "free"
    return "cheapest" if max(shares.tokens, shares.cost) >= NEAR else "none"
