"""The least that a relay can be: raw ASGI and aiohttp that pass the bytes of the model's stream on. The bench's floor.

`python -m tests.bare_relay MODEL_BASE_URL PORT`
"""

import sys
from typing import Any

import aiohttp
import uvicorn


class Relay:
    """Posts every body to the model and streams what comes back."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/chat/completions"
        self.session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        if self.session is None:
            self.session = aiohttp.ClientSession()
        async with self.session.post(self.url, data=body) as response:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


if __name__ == "__main__":
    uvicorn.run(
        Relay(sys.argv[1]), port=int(sys.argv[2]), lifespan="off", loop="uvloop", access_log=False, log_level="error"
    )
