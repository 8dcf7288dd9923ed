"""Makes backend/llm/ranks/o200k_base.tiktoken.xz from the npm package js-tiktoken, whose ranks are compressed text.

npm pack js-tiktoken && tar xzf js-tiktoken-*.tgz
.venv/bin/python scripts/make_ranks.py package/dist/ranks/o200k_base.js
"""

import argparse
import hashlib
import json
import lzma
from pathlib import Path

from backend.llm.tokens import PACKED_RANKS, RANKS_SHA256


def unpack(module: str) -> bytes:
    """tiktoken's own file, one `<base64 token> <rank>` a line, from the JavaScript module's text.

    The module is `export default {…}`; `bpe_ranks` has lines of `! <first rank> <token> <token> …`.
    """
    ranks = json.loads(module[module.index("{") : module.rindex("}") + 1])["bpe_ranks"]
    lines: list[str] = []
    for line in ranks.split("\n"):
        if line:
            _, first, *tokens = line.split(" ")
            lines += [f"{token} {int(first) + offset}\n" for offset, token in enumerate(tokens)]
    return "".join(lines).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=Path, help="dist/ranks/o200k_base.js of js-tiktoken")
    ranks = unpack(parser.parse_args().module.read_text())
    found = hashlib.sha256(ranks).hexdigest()
    if found != RANKS_SHA256:
        raise SystemExit(f"These ranks have the SHA-256 {found}, and tiktoken expects {RANKS_SHA256}.")
    packed = lzma.compress(ranks, preset=9 | lzma.PRESET_EXTREME)
    PACKED_RANKS.write_bytes(packed)
    print(f"{PACKED_RANKS}: {len(packed):,} bytes, {len(ranks):,} unpacked")


if __name__ == "__main__":
    main()
