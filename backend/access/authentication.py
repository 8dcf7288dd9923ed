"""From the credentials of a request to who is asking."""

from backend.access.identity import Identity
from backend.access.keys import PREFIX, ApiKeys
from backend.access.users import REFUSAL, Users
from backend.access.visitors import Visitors
from backend.errors import Forbidden, Unauthenticated


class Authentication:
    """Checks whatever credentials there are. What is present and not valid is refused, never taken for absent."""

    def __init__(self, visitors: Visitors, users: Users, keys: ApiKeys) -> None:
        self._visitors = visitors
        self._users = users
        self._keys = keys

    async def identify(self, authorization: str | None, visitor_token: str | None, site: str) -> Identity | None:
        """Who asks on this site, by `Authorization: Bearer`, else by the visitor's token; None without either.

        Raises `Unauthenticated`, `Forbidden` for a key of another site, `Unavailable` where nobody can say.
        """
        visitor = None if visitor_token is None else self._visitors.check(visitor_token, site)
        if authorization is None:
            return visitor
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated(REFUSAL)
        credentials = credentials.strip()
        if not credentials.startswith(PREFIX):
            return await self._users.check(credentials)
        identity = await self._keys.check(credentials)
        if identity.site not in (None, site):
            raise Forbidden("This API key is for another site: send the name of its own as X-Footnote-Site.")
        return identity
