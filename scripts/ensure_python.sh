#!/usr/bin/env bash
# Says in one sentence what is missing before a virtual environment is made.
set -euo pipefail
python=${1:-}
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Footnote needs Python 3.11 or newer: install it (on Debian: apt install python3 python3-venv), or set PYTHON=." >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "This Python cannot make virtual environments: install its venv module (on Debian: apt install python3-venv)." >&2
    exit 1
fi
if ! command -v npm >/dev/null || ! node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)'; then
    echo "Footnote's page is built with Node 20 or newer: install nodejs and npm." >&2
    exit 1
fi
