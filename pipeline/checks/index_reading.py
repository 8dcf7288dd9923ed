"""Opens the embedded index and reads in it, as a program of its own: damaged files may end it.

The argument is the folder of the index, the standard input a JSON list of documents that do not answer. It prints how
many chunks there are of the others, and which model made their vectors.
"""

import asyncio
import json
import sys
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from backend.knowledge.edge import EdgeIndex
from backend.knowledge.models import Scope


async def read(folder: Path, silent: frozenset[UUID]) -> dict[str, object]:
    """What the current generation holds; a first page of its points is read to see that they can be."""
    index = EdgeIndex(folder)
    model = await index.model()
    chunks = await index.count(Scope(excluded=silent))
    async with aclosing(index.scan()) as pages:
        await anext(pages, None)
    await index.close()
    return {"chunks": chunks, "model": asdict(model) if model else None}


if __name__ == "__main__":
    documents = frozenset(UUID(document) for document in json.loads(sys.stdin.read()))
    sys.stdout.write(json.dumps(asyncio.run(read(Path(sys.argv[1]), documents))))
