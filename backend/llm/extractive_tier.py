"""The tier `extractive`."""

from collections.abc import AsyncGenerator

from backend.llm.tier import Finish, Prompt, TierFailure, Token


class ExtractiveTier:
    """Stub."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """Stub."""
        if not prompt.sources:
            raise TierFailure("empty")
        for source in prompt.sources[:2]:
            yield Token(f"{source.text} [{source.index}] ")
        yield Finish("stop")

    async def close(self) -> None:
        """Nothing is held open."""
