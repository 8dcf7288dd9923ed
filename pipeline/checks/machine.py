"""What the machine has: Python, a data folder with room, a front end, a sandbox, Ray."""

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

import backend
from backend.knowledge.disk import HEADROOM
from pipeline.checks.finding import Finding
from pipeline.gather import STAGING
from pipeline.sandbox.pool import network_is_blocked

OLDEST_PYTHON = (3, 11)
LITTLE_SPACE = 2 * 2**30  # publishing copies the index, and a database wants room too
GIB = 2**30
FRONTEND = Path(backend.__file__).parent.parent / "frontend" / "dist"
PAGE, WIDGET = "index.html", "footnote.js"


def python() -> Finding:
    """Whether this Python is one that Footnote runs on."""
    says = f"{platform.python_version()} on {platform.system()} {platform.machine()}."
    if sys.version_info < OLDEST_PYTHON:
        return Finding("broken", "Python", says, "Footnote needs 3.11 or later: make the environment anew with it.")
    return Finding("ok", "Python", says)


def data_folder(folder: Path) -> Finding:
    """Whether the data folder, or the one that it will be made in, can be written, and has room."""
    about, there = "data folder", folder
    while not there.exists() and there != there.parent:
        there = there.parent
    elsewhere = "mend its permissions, or choose another with FOOTNOTE_DATA_DIR."
    if not there.is_dir():
        return Finding("broken", about, f"{folder} cannot be: {there} is a file.", "Set FOOTNOTE_DATA_DIR to a folder.")
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(there).free
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        return Finding("broken", about, f"{folder} cannot be written ({reason}).", f"Free some space, {elsewhere}")
    room = f"{free / GIB:.1f} GiB free."
    if free < HEADROOM:
        return Finding("broken", about, f"{folder} is full: {room}", "Free some space, or set FOOTNOTE_DATA_DIR.")
    if free < LITTLE_SPACE:
        return Finding("note", about, f"{folder}, {room}", "That is little: publishing copies the index.")
    if there != folder:
        return Finding("note", about, f"{folder} is not there yet, {room}", "If it should be, check FOOTNOTE_DATA_DIR.")
    return Finding("ok", about, f"{folder}, {room}")


def leftovers(folder: Path) -> list[Finding]:
    """What a killed command left behind, which the next one clears away."""
    found = [path for path in (folder / STAGING, folder / "index" / "draft") if path.exists()]
    exports = sorted((folder / "models").glob(".export-*"))
    names = ", ".join(str(path.relative_to(folder)) for path in (*found, *exports))
    if not names:
        return []
    advice = "Unless a command is running just now, a killed one left it: the next `footnote ingest` clears it away."
    return [Finding("note", "leftovers", f"{names}.", advice)]


def frontend(folder: Path = FRONTEND) -> Finding:
    """Whether the page and the widget have been built."""
    missing = [name for name in (PAGE, WIDGET) if not (folder / name).is_file()]
    if missing:
        says = f"{' and '.join(missing)} not built: the API answers, the page does not."
        return Finding("note", "front end", says, "`make setup` builds it.")
    return Finding("ok", "front end", "page and widget are built.")


async def sandbox() -> list[Finding]:
    """Whether documents are read where they can do no harm."""
    if await asyncio.to_thread(network_is_blocked):
        return [Finding("ok", "sandbox", "documents are read without network, with limits of time and memory.")]
    advice = "Install libseccomp (Debian: `apt-get install libseccomp2`)."
    limited = "documents are read with limits of time and memory, but the network is open to what reads them."
    return [Finding("note", "sandbox", limited, advice)]


def ray() -> Finding:
    """Whether `--engine ray` can be used."""
    if find_spec("ray") is None:
        return Finding("ok", "Ray", f"not installed, and only `--engine ray` needs it: `pip install '{_extra()}'`.")
    try:
        return Finding("ok", "Ray", f"{version('ray')} is installed.")
    except PackageNotFoundError:
        return Finding("note", "Ray", "it is there without its metadata.", f"`pip install '{_extra()}'` mends that.")


def _extra() -> str:
    wanted = (name for name in requires("footnote") or () if name.startswith("ray"))
    return next(wanted, "ray[data]").partition(";")[0].strip()
