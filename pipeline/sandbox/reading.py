"""Cutting a document, as a child does it, and what its parent believes of the answer."""

from functools import cache
from pathlib import Path

from backend.knowledge.exported import TokenCounter
from pipeline.cut import Cut, cut, embedding_key
from pipeline.load import document_id
from pipeline.source import Task
from pipeline.sources.size import refuse_odd_file


def cut_document(task: Task, model: Path) -> Cut:
    """The document in passages, measured by the tokenizer of the model in that folder.

    Raises `ContentError` with the reason where it cannot be read.
    """
    for path in (task.source.path, task.source.sidecar, task.source.info):
        if path is not None:
            refuse_odd_file(path)
    return cut(task, _counter(model).count_tokens)


def is_credible(cut: Cut, task: Task) -> bool:
    """Whether the passages are of one document, which is the task's, and have the keys of their own texts.

    A child that a document has taken over could otherwise answer in the name of other documents.
    """
    source, document = task.source, cut.document
    return (
        document.source_uri in (source.uri, f"{source.creator}/{source.uri}")
        and document.id == (task.document_id or document_id(document.creator, document.source_uri))
        and all(
            passage.key == embedding_key(passage.text)
            and passage.chunk.ordinal == ordinal
            and (passage.chunk.document_id, passage.chunk.creator) == (document.id, document.creator)
            for ordinal, passage in enumerate(cut.passages)
        )
    )


@cache
def _counter(model: Path) -> TokenCounter:
    return TokenCounter.load(model)
