#!/usr/bin/env bash
# Makes sure that Chromium is there for the browser tests.
set -euo pipefail
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null; then
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "The browser tests need Chromium, and this user may not install it: run 'sudo apt-get install chromium' once." >&2
            exit 1
        fi
        as_root="sudo -n"
    fi
    echo "Installing Chromium for the browser tests …"
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null
    exit 0
fi
echo "The browser tests need Chromium: install it with this system's package manager." >&2
exit 1
