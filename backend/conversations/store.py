"""What the service asks of the conversations, whoever keeps them."""

from collections.abc import AsyncGenerator
from typing import Protocol
from uuid import UUID

from backend.conversations.listing import Place
from backend.conversations.models import Answer, Conversation, Deleted, Message, Question, RunRecord, Turn


class ConversationStore(Protocol):
    """Methods that read for a client take the owner: someone else's, deleted and missing are the same `NotFound`.

    All raise `Unavailable` while the database is away.
    """

    async def find_repeated(self, owner: str, idempotency_key: str | None, body_hash: str) -> RunRecord | None:
        """The run that an owner's idempotency key names, None where it is new or there is no key. Where its answer was
        made anew since, it is the run whose answer stands there now.

        Raises `InvalidRequest` where the key was used with another body.
        """
        ...

    async def begin(self, question: Question) -> tuple[RunRecord, bool]:
        """Commits the user's turn and a running run, and says True; or finds the idempotency key's run, and says False.
        A question whose answer is to be made anew is there already, and nothing but the run is committed.

        Raises `NotFound` (conversation), `ConversationBusy`, `InvalidRequest` (the key was used with another body).
        """
        ...

    async def history(self, conversation_id: UUID, before: int, limit: int) -> list[Turn]:
        """The newest `limit` messages numbered under `before`, oldest first; failed answers are left out."""
        ...

    async def finish(self, run: RunRecord, answer: Answer) -> bool:
        """Commits the answer and ends the run, together. False where somebody else has ended it before.

        An answer that was made anew takes the place of the earlier one if it may; else that one stays as it was.
        """
        ...

    async def find_run(self, run_id: UUID, owner: str) -> RunRecord:
        """A run of this owner, running or ended."""
        ...

    async def find_answer(self, run_id: UUID, owner: str) -> Message | None:
        """The saved answer of a run, once it has ended."""
        ...

    async def find_conversation(self, conversation_id: UUID, owner: str) -> Conversation: ...

    async def list_conversations(
        self, owner: str, behind: Place | None, limit: int
    ) -> tuple[list[Conversation], Place | None]:
        """Conversations of this owner, the one last answered in first, and the place behind which there are more.

        All pages have the order of the moment of the first: none is missed and none comes twice, whatever is answered
        meanwhile; but one whose answer is being committed at that moment may be missed.
        """
        ...

    async def rename(self, conversation_id: UUID, owner: str, title: str) -> Conversation:
        """Gives it another title. That is no activity: it keeps its place in the list."""
        ...

    async def delete(self, owner: str, conversation_id: UUID) -> Deleted:
        """Hides a conversation of this owner from every reader, and ends what is answering there: nothing is written
        any more. The rows stay until `DeletedConversations` removes them."""
        ...

    def delete_all(self, owner: str) -> AsyncGenerator[Deleted, None]:
        """Does the same to all that there are now, a part at a time; one that is begun meanwhile stays. What was told
        is done, also where the rest is not, as nobody asks for it or the database goes away."""
        ...

    async def list_messages(self, conversation_id: UUID, owner: str, after: int, limit: int) -> list[Message]:
        """Messages with `seq` above `after`, in order."""
        ...

    async def beat(self, run_ids: list[UUID]) -> set[UUID]:
        """Says that these runs are alive; gives those that nobody has ended."""
        ...

    async def stale_runs(self, older_than_s: float) -> list[RunRecord]:
        """Running runs whose last heartbeat is older."""
        ...
