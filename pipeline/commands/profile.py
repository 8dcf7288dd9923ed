"""`footnote profile`: measures how a creator talks, keeps it in a file that a curator may edit, and publishes it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from backend.errors import ContentError
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.index import Index
from backend.knowledge.models import Chunk, Creator, Document
from backend.knowledge.opening import open_index
from backend.settings import Settings
from pipeline.library import Library
from pipeline.place import place_of
from pipeline.profile import (
    Measured,
    Profile,
    Sample,
    documents_named,
    keep_profile,
    profile_folder,
    profile_path,
    without_documents,
)
from pipeline.published import publication
from pipeline.terminal import Terminal
from pipeline.voice.measure import Voice, measure
from pipeline.voice.samples import typical_passages
from pipeline.voice.speech import all_speech, own_speech
from pipeline.workplace import database, workplace

# A voice is the same in a hundred hours as in a thousand; so much is read of the creator's and of all others' words.
MOST_WORDS = 400_000
LAST_ORDINAL = 2**31 - 1

Content = list[tuple[Document, Sequence[Chunk]]]


def run(slug: str) -> int:
    """Makes the creator's profile, or renews what was measured in it, publishes it, and prints a summary; returns the
    exit code.

    Raises `ContentError` where there is nothing to measure, `ConfigurationError` where the file cannot be renewed.
    """
    with workplace() as settings:
        creator, own, others = asyncio.run(read(settings, slug))
        profile = asyncio.run(keep_and_publish(settings, creator, measured_of(creator, own, others)))
    console = Terminal()
    for line in summary(creator, profile, profile_path(profile_folder(settings.data_dir), slug)):
        console.print(line)
    return 0


async def read(settings: Settings, slug: str) -> tuple[Creator, Content, Content]:
    """The creator, what they have published, and what others have, documents in the order of their ids: by chance."""
    async with database(settings) as engine:
        creator = await Catalogue(engine).find_creator(slug)
        if creator is None:
            raise ContentError(f"There is no creator `{slug}`: `footnote status` lists them.")
        shelved = await Library(engine).documents(statuses=["ready"])
        documents = sorted((item.document for item in shelved), key=lambda document: document.id)
        own = [document for document in documents if document.creator == slug]
        if not own:
            raise ContentError(f"`{slug}` has no documents that answer: `footnote ingest FOLDER --creator {slug}`.")
        others = [document for document in documents if document.creator != slug]
        index = open_index(settings)
        try:
            return creator, await content_of(index, own), await content_of(index, others)
        finally:
            await index.close()


async def keep_and_publish(settings: Settings, creator: Creator, measured: Measured) -> Profile:
    """Writes the profile into its file and gives it to the service; a document that is being deleted is not quoted."""
    async with database(settings) as engine, publication(engine, creator.slug) as publishing:
        gone = await publishing.gone(documents_named(measured))
        profile = keep_profile(profile_folder(settings.data_dir), creator, without_documents(measured, gone))
        await publishing.publish(profile)
        return profile


async def content_of(index: Index, documents: Sequence[Document]) -> Content:
    """Documents with their passages in order, until there are words enough."""
    content: Content = []
    words = 0
    for document in documents:
        chunks = await index.passages(document.id, 0, LAST_ORDINAL)
        words += sum(chunk.text.count(" ") for chunk in chunks)
        content.append((document, chunks))
        if words >= MOST_WORDS:
            break
    return content


def measured_of(creator: Creator, own: Content, others: Content) -> Measured:
    """Everything that is computed of a creator; `others` is what to compare it with."""
    speech = own_speech(creator, own)
    everybody = [all_speech(document, chunks) for document, chunks in others]
    subjects = {creator.name, *creator.topics, *(topic for document, _ in own for topic in document.topics)}
    voice = measure(speech.texts, everybody, subjects=subjects)
    titles = {document.id: document.title for document, _ in own}
    samples = tuple(
        Sample(chunk.document_id, text, titles[chunk.document_id], place_of(chunk))
        for chunk, text in typical_passages(speech.passages, voice)
    )
    return Measured(speech.rule, len(speech.texts), creator.voice, voice, samples)


def summary(creator: Creator, profile: Profile, path: Path) -> list[str]:
    """What was found, in lines for a person, and where it is kept."""
    measured = profile.measured
    assert measured is not None
    voice = measured.manner
    lines = [
        f"[bold]{escape(creator.name)}[/], from {voice.words:,} words in {measured.documents} documents",
        f"[bold]measured[/] {escape(measured.speech)}",
        *_manner(voice),
    ]
    if voice.openers:
        openers = (f"{opener.text}, ({_percent(opener.share)}{_against(opener.others)})" for opener in voice.openers)
        lines.append(f"[bold]begins with[/] {escape(' '.join(openers))}")
    if voice.phrases:
        lines.append(f"[bold]says[/] {escape(' · '.join(phrase.text for phrase in voice.phrases))}")
    for sample in measured.samples:
        lines.append(f"[bold]sample[/] {escape(f'{sample.title}, {sample.place}: {sample.text}')}")
    edited = [
        name
        for name, is_edited in (
            ("voice", profile.voice != measured.described),
            ("phrases", list(profile.phrases) != [phrase.text for phrase in voice.phrases]),
            ("do", bool(profile.do)),
            ("dont", bool(profile.dont)),
            ("sentences", profile.sentences is not None),
            ("person", profile.person is not None),
            ("samples", profile.samples is not None),
        )
        if is_edited
    ]
    if edited:
        lines.append(f"Kept as you have edited it: {', '.join(edited)}.")
    if not (profile.persona and creator.persona):
        where = "creator.yaml" if profile.persona else "its file"
        lines.append(f"[bold]Never used[/]: `persona` is off in {where}, so no answer sounds like them.")
    else:
        lines.append("Published: a model's answers sound like this as far as a visitor asks for it.")
    lines.append(
        f"It is in {escape(str(path))}: edit all but `measured` as you like, and run this command again to publish it."
    )
    return lines


def _manner(voice: Voice) -> list[str]:
    lines = []
    if voice.sentence_length:
        length = voice.sentence_length
        lines.append(
            f"[bold]sentences[/] {length.median:g} words, half of them {length.lower:g} to {length.upper:g}; "
            f"{_percent(voice.questions)} questions, {_percent(voice.exclamations)} exclamations"
        )
    if voice.person:
        person = voice.person
        lines.append(
            f"[bold]person[/] I in {_percent(person.i)} of the sentences, we in {_percent(person.we)}, "
            f"you in {_percent(person.you)}"
        )
    words = []
    if voice.contractions is not None:
        words.append(f"{voice.contractions:.1f} contractions in 100 words")
    if voice.different_words is not None:
        words.append(f"{_percent(voice.different_words)} different words in 500")
    return [*lines, f"[bold]words[/] {', '.join(words)}"] if words else lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def _against(others: float | None) -> str:
    return "" if others is None else f", others {_percent(others)}"
