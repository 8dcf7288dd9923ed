"""ZIP archives: what is worth reading in them is unpacked into a folder, and everything suspicious is refused."""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from backend.errors import ContentError
from pipeline.sources.detect import HEAD_BYTES, kind_of

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 256 * 2**20  # far more than a document or transcript that can be parsed within its limits
MAX_BYTES = 2 * 2**30  # on the disk, of all members
MAX_DIRECTORY_BYTES = 4 * 2**20  # of the list of members: 400 for each, and the whole of it is held in memory
# Text packs to a tenth, and repetitive JSON to a fiftieth; the format allows a thousandth, which is what bombs use.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 2**20
MAX_PATH_BYTES = 1000
MAX_DEPTH = 32
MAX_NAME_BYTES = 255  # of a file or folder on all usual file systems

_DRIVE = re.compile(r"[A-Za-z]:")
_PIECE = 2**16
_LOCAL_HEADER_BYTES = 30
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_DESCRIPTIONS = (".yaml", ".yml")  # not content, but say something about it
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Refused:
    """A member that was not unpacked, and why; `name` can be shown."""

    name: str
    reason: str


def extract(archive: Path, into: Path) -> list[Refused]:
    """Unpacks the members of a ZIP file into the empty folder `into`, under their paths in the archive.

    Hidden files and what macOS adds are passed over, as in a folder. Never holds a member in memory, and leaves no part
    of one that is refused. Raises `ContentError` where the archive as a whole cannot be read, `OSError` where the disk
    is full.
    """
    return extract_at_most(MAX_BYTES, archive, into)


def extract_at_most(size: int, archive: Path, into: Path) -> list[Refused]:
    """As `extract`, up to that many bytes in all."""
    try:
        with _Bounded(archive) as file, zipfile.ZipFile(file) as opened:
            members = opened.infolist()
            if len(members) > MAX_MEMBERS:
                raise ContentError(f"The archive holds more than {MAX_MEMBERS:,} files: divide it.")
            return _Extraction(opened, into, size, _overlapping(members)).run(members)
    except _DAMAGED as error:  # includes names that are not the UTF-8 that they are said to be
        raise ContentError("The archive is damaged and cannot be read.") from error


class _Bounded(io.FileIO):
    """A file of which no reader gets much at once: the list of members is read in one piece, of whatever length."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = MAX_DIRECTORY_BYTES
        elif size > MAX_DIRECTORY_BYTES:
            raise ContentError("The archive's list of files is absurdly long: divide it.")
        return super().read(size) or b""


def _overlapping(members: Sequence[zipfile.ZipInfo]) -> set[int]:
    """Where the members begin that share bytes with another: a bomb tells one part under a thousand names."""
    found: set[int] = set()
    end = last = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            found |= {last, member.header_offset}
        own_end = member.header_offset + _LOCAL_HEADER_BYTES + len(_name_bytes(member)) + member.compress_size
        if own_end > end:
            end, last = own_end, member.header_offset
    return found


@dataclass(slots=True)
class _Extraction:
    """One archive on its way into a folder."""

    opened: zipfile.ZipFile
    into: Path
    room: int
    overlapping: set[int]

    def run(self, members: Sequence[zipfile.ZipInfo]) -> list[Refused]:
        refused: list[Refused] = []
        for member in members:
            try:
                path = _path(member)
                if not (member.is_dir() or _is_passed_over(path)):
                    self._take(member, path)
            except ContentError as error:
                refused.append(Refused(_shown(member), error.message))
            except _DAMAGED:
                refused.append(Refused(_shown(member), "It is damaged."))
        return refused

    def _take(self, member: zipfile.ZipInfo, path: PurePosixPath) -> None:
        """Unpacks one member. Raises `ContentError` with the reason where it is refused, or one of `_DAMAGED`."""
        _check_form(member)
        if member.header_offset in self.overlapping:
            raise ContentError("It shares its bytes with another member, as in a bomb.")
        with self.opened.open(member) as packed:
            head = packed.read(HEAD_BYTES)
            _check_kind(path, head)
            _check_size(member)
            if member.file_size > self.room:
                raise ContentError("With it, the archive would unpack to more than is taken from one: divide it.")
            target = self.into / path
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                file = target.open("xb")
            except (FileExistsError, NotADirectoryError) as error:
                raise ContentError("Another member has its name.") from error
            size = 0
            try:
                with file:
                    size += file.write(head)
                    while piece := packed.read(_PIECE):
                        size += file.write(piece)
                if size != member.file_size:
                    raise zipfile.BadZipFile
            except BaseException:
                target.unlink()
                raise
            finally:
                self.room -= size


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    """Where the member belongs. Raises `ContentError` for names that lead elsewhere or cannot be kept."""
    try:
        name = _name_bytes(member).decode()
    except UnicodeDecodeError as error:
        raise ContentError("Its name is not UTF-8.") from error
    if not name.isprintable():
        raise ContentError("Its name has characters that cannot be kept.")
    if "\\" in name:
        raise ContentError("Its name has a backslash in it.")
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or _DRIVE.match(name):
        raise ContentError("Its name leads out of the archive.")
    is_long = len(name.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts)
    if is_long or len(parts) > MAX_DEPTH:
        raise ContentError("Its name is absurdly long.")
    return PurePosixPath(name)


def _name_bytes(member: zipfile.ZipInfo) -> bytes:
    """The name as it is written: Python reads it as code page 437 where nothing says UTF-8, though it often is."""
    return member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8_FLAG else "cp437")


def _is_passed_over(path: PurePosixPath) -> bool:
    return not path.parts or path.parts[0] == "__MACOSX" or any(part.startswith(".") for part in path.parts)


def _check_form(member: zipfile.ZipInfo) -> None:
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ContentError("It is a link or a device, not a file.")
    if member.flag_bits & _ENCRYPTED_FLAGS:
        raise ContentError("It is encrypted: unpack it yourself, and ingest the folder.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ContentError("It is packed in a way that is not read: unpack it yourself, and ingest the folder.")


def _check_kind(path: PurePosixPath, head: bytes) -> None:
    """Only what may be read is unpacked: an export's videos would take the room of its captions."""
    match kind_of(path.name, head):
        case "archive":
            raise ContentError("It is an archive within an archive: unpack it yourself.")
        case None if path.suffix.lower() not in _DESCRIPTIONS:
            raise ContentError(f"{path.suffix or 'A file without a suffix'} is not a kind that is read.")


def _check_size(member: zipfile.ZipInfo) -> None:
    if member.file_size > MAX_MEMBER_BYTES:
        raise ContentError(f"It is larger than {MAX_MEMBER_BYTES // 2**20} MiB.")
    if member.file_size > max(member.compress_size, 1) * MAX_RATIO and member.file_size > RATIO_COUNTS_FROM:
        raise ContentError(f"It unpacks to more than {MAX_RATIO} times its size, as a bomb does.")


def _shown(member: zipfile.ZipInfo) -> str:
    """The name for a curator's eyes."""
    name = member.orig_filename[:MAX_NAME_BYTES]
    return name if name.isprintable() else name.encode("unicode_escape").decode()
