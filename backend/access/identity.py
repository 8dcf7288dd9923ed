"""Who is asking, once that is known."""

from dataclasses import dataclass
from typing import Literal

from backend.limits.rules import AskerKind

Role = Literal["reader", "curator", "admin"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A visitor, a user or an API key. `name` is unlike any other's.

    A curator looks after `creators`, an admin after all; a reader asks and reads what is their own, as both of those
    do too. `site` is the one site that this identity holds for, None for any. `is_old`: the token that said so is to be
    replaced by a new one.
    """

    kind: AskerKind
    name: str
    role: Role = "reader"
    creators: frozenset[str] = frozenset()
    site: str | None = None
    is_old: bool = False

    def owner_on(self, site: str) -> str:
        """What their conversations on a site belong to, and on no other: sites may offer different creators. Names
        begin with a UUID, `user:` or `key:`, and no name of a site holds a slash, so that no two are the same."""
        return f"{site}/{self.name}" if site and self.kind != "visitor" else self.name

    def may_curate(self, creator: str) -> bool:
        """Whether this creator's affairs are theirs to see."""
        return self.role == "admin" or (self.role == "curator" and creator in self.creators)
