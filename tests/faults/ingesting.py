"""`footnote ingest --prune` in a process of its own that publishes often, so that a kill meets every stage.

python -m tests.faults.ingesting FOLDER SLUG PUBLISH_AFTER
"""

import asyncio
import sys

from pipeline.commands.ingest import Work
from pipeline.display import Display
from pipeline.gather import request_for
from pipeline.workplace import workplace


def main(folder: str, slug: str, publish_after: int) -> None:
    with workplace() as settings, Display() as display:
        work = Work(settings, display, display.show, "local", publish_after)
        summary = asyncio.run(work.run([request_for(folder, slug, ())], prune=True))
    display.conclude(summary)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
