"""What of mapped files is in this process's memory (Linux)."""

import re
from pathlib import Path

MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ +(?P<path>/.*)$")


def resident_bytes(path: Path) -> int:
    """Bytes of the file, or of the files in the folder, that are mapped and in memory."""
    total, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line[0] in "0123456789abcdef":
            mapping = MAPPING.match(line)
            counts = mapping is not None and Path(mapping["path"]).is_relative_to(path.resolve())
        elif counts and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total
