"""Who made the content: `creator.yaml`, or a slug on the command line."""

import hashlib
import re
import unicodedata
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.models import Creator, Link
from pipeline.clean import flow
from pipeline.sources.decode import decode
from pipeline.sources.metadata import read_yaml, web_address

PROFILE = "creator.yaml"
MOST_BYTES = 256 * 1024


_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
_SLUG_RULE = "lower-case letters, digits and single hyphens, such as `ana-velloret`"
# Latin letters that Unicode does not take apart into one of ASCII and a mark, and signs that stand like an apostrophe.
_LATIN = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "đ": "d", "ł": "l", "ø": "o", "ħ": "h", "ŧ": "t",
        "ŋ": "ng", "ı": "i", "ȷ": "j", "ĸ": "k", "ə": "e", "ʹ": "", "ʻ": "", "ʼ": "",
    }
)  # fmt: skip
_HASH_LENGTH = 8  # hexadecimal digits
_SHAPES = {
    "name": "write it as text",
    "bio": "write it as text",
    "voice": "write it as text",
    "topics": "write a list, `[rooms, mixing]`, or words with commas",
    "links": "write a list of addresses, or of `{label: My shop, url: https://…}`",
    "questions": "write a list, one question a line, each behind a hyphen",
    "persona": "write `on` or `off`",
}
_KEY_LENGTH = 80  # characters of a key that are told; one that is wrong may be as long as the file


def _opens(url: str) -> str:
    if web_address(url) is None:
        raise ValueError
    return url


def _listed(value: object) -> object:
    """A list, of which one line of text may be written with commas, as in front matter."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _labelled(value: object) -> object:
    """A link; one that is nothing but an address is called after its host."""
    if not isinstance(value, str):
        return value
    host = urlsplit(value).hostname if web_address(value) else None
    return {"label": (host or "").removeprefix("www.") or "link", "url": value}


_Line = Annotated[str, AfterValidator(flow)]


class _Link(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: _Line
    url: Annotated[str, AfterValidator(_opens)]


class _Profile(BaseModel):
    """The keys of `creator.yaml`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    slug: str = Field(pattern=_SLUG)
    name: _Line = Field(min_length=1)
    bio: str = ""
    voice: str = ""
    topics: Annotated[tuple[_Line, ...], BeforeValidator(_listed)] = ()
    links: tuple[Annotated[_Link, BeforeValidator(_labelled)], ...] = ()
    questions: tuple[_Line, ...] = ()
    persona: bool = True


def read_profile(path: Path) -> Creator:
    """The creator that a `creator.yaml` describes.

    Raises `ConfigurationError` with a sentence that names the file and the key that is wrong.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{path} is larger than a description of a creator: {MOST_BYTES // 1024} kB.")
        values = read_yaml(decode(path.read_bytes())[0], str(path))
        profile = _Profile.model_validate(values)
    except ContentError as error:
        raise ConfigurationError(error.message) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read.") from error
    except ValidationError as error:
        raise ConfigurationError(_sentence_for(path, error)) from error
    links = tuple(Link(link.label, link.url) for link in profile.links)
    return Creator(
        slug=profile.slug,
        name=profile.name,
        bio=profile.bio,
        voice=profile.voice,
        topics=profile.topics,
        links=links,
        questions=profile.questions,
        persona=profile.persona,
    )


def named_after(slug: str) -> Creator:
    """A creator of whom nothing but the slug is known, with a name that can be read.

    Raises `ConfigurationError` for what is no slug.
    """
    if not re.fullmatch(_SLUG, slug):
        raise ConfigurationError(f"`{slug}` cannot be a creator's slug: use {_SLUG_RULE}.")
    return Creator(slug, slug.replace("-", " ").title())


def creator_named(name: str) -> Creator | None:
    """The creator whom a folder names, or None where the name has no letter and no digit.

    A name that a slug cannot hold stays as it is written; of others the slug is made readable.
    """
    slug = slug_from(name)
    if slug is None or name.isascii():
        return named_after(slug) if slug else None
    words = flow(re.sub(r"[-_]", " ", unicodedata.normalize("NFC", name)))
    return Creator(slug, words.title() if words == words.lower() else words)


def slug_from(name: str) -> str | None:
    """A slug out of a creator's or a folder's name ("Ana Velloret": `ana-velloret`), or None where the name has no
    letter and no digit.

    Letters that are not Latin ones have no place in it: a hash of the whole name stands for them, so that 王小明 TV and
    李娜 TV are two.
    """
    letters = unicodedata.normalize("NFKD", name).lower().translate(_LATIN)
    words = re.findall(r"[a-z0-9]+", letters.encode("ascii", "ignore").decode().replace("'", ""))
    if any(letter.isalnum() and not letter.isascii() for letter in letters):
        whole = unicodedata.normalize("NFC", flow(name)).casefold()
        words.append(hashlib.sha256(whole.encode()).hexdigest()[:_HASH_LENGTH])
    return "-".join(words) or None


def _sentence_for(path: Path, error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    key = flow(".".join(str(part) for part in problem["loc"]))[:_KEY_LENGTH]
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key, _Profile.model_fields, n=1)
        return f"{path}: `{key}` is not a key of a creator.{f' Did you mean `{near[0]}`?' if near else ''}"
    if problem["type"] == "missing":
        return f"{path}: `{key}` is missing."
    if key == "slug":
        return f"{path}: the slug is wrong: use {_SLUG_RULE}."
    if key.endswith(".url"):
        return f"{path}: `{key}` is wrong: use an address with http or https that anybody can open."
    if shape := _SHAPES.get(key.split(".")[0]):
        return f"{path}: `{key}` is wrong: {shape}."
    return f"{path}: `{key}` is wrong: {problem['msg'][:1].lower()}{problem['msg'][1:]}."
