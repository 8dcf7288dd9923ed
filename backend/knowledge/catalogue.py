"""Which creators and documents there are: the tables, and what the service reads from them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as SqlUUID
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.database import autocommit, metadata, refusals
from backend.errors import Unavailable
from backend.knowledge.models import Creator, Document, Link
from backend.knowledge.voice_profile import profile_from

creators = Table(
    "creators",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("bio", Text, nullable=False, server_default=""),
    Column("voice", Text, nullable=False, server_default=""),
    Column("topics", ARRAY(Text), nullable=False, server_default="{}"),
    Column("links", JSONB, nullable=False, server_default="[]"),
    Column("questions", ARRAY(Text), nullable=False, server_default="{}"),
    # Whether answers may sound like them, as `creator.yaml` says, and how that would be; see `voice_profile`.
    Column("persona", Boolean, nullable=False, server_default=true()),
    Column("profile", JSONB(none_as_null=True)),
)

# A document answers while `status` is ready and `deleted_at` is null. Others are kept for the curator with a `reason`:
# failed, left out (nothing to read in it), duplicate (of `duplicate_of`).
documents = Table(
    "documents",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("creator", Text, ForeignKey("creators.slug"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_uri", Text, nullable=False),
    Column("url", Text),
    Column("published_at", Date),
    Column("duration_s", Float),
    Column("topics", ARRAY(Text), nullable=False, server_default="{}"),
    Column("content_hash", Text, nullable=False),
    Column("pipeline_version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("chunks", Integer, nullable=False, server_default="0"),
    Column("ingested_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True)),
    # Where a curator finds it, and what they asked for when it came: target, creator and topics.
    Column("origin", Text, nullable=False, server_default=""),
    Column("request", JSONB, nullable=False, server_default="{}"),
    Column("model", Text, nullable=False, server_default=""),
    Column("text_hash", Text, nullable=False, server_default=""),
    Column("duplicate_of", SqlUUID),
    Index("uq_documents_creator_source", "creator", "source_uri", unique=True),
)
Index("ix_documents_origin", documents.c.origin)
# Deleted, and may still have passages: when it has none any more, nothing but its id and its place is left.
IS_SILENT = and_(documents.c.deleted_at.is_not(None), documents.c.title != literal_column("''"))
Index("ix_documents_silent", documents.c.id, postgresql_where=IS_SILENT)


# Transactions that have changed creators or documents, as triggers note them; of those that have ended only the newest.
catalogue_changes = Table(
    "catalogue_changes", metadata, Column("transaction", BigInteger, primary_key=True, autoincrement=False)
)


# Vectors by the text that was embedded, so that what has not changed in a document is not embedded again.
embeddings = Table(
    "embeddings",
    metadata,
    Column("document_id", SqlUUID, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)


ANSWERING = (
    select(*(documents.c[field.name] for field in fields(Document)), creators.c.name.label("creator_name"))
    .join(creators, creators.c.slug == documents.c.creator)
    .where(documents.c.status == "ready", documents.c.deleted_at.is_(None))
)
# One array instead of a list of parameters: the statement is compiled once for any number of ids.
FIND_DOCUMENTS = ANSWERING.where(documents.c.id == any_(bindparam("ids", type_=ARRAY(SqlUUID))))
# None where there are more; counted no further than that.
MOST = bindparam("most", type_=BigInteger)
COUNTED = select(documents.c.id).limit(MOST + 1).subquery()
ALL_DOCUMENTS = ANSWERING.where(select(func.count()).select_from(COUNTED).scalar_subquery() <= MOST)

# Nobody sees what an unfinished transaction has changed, and those have numbers from `pg_snapshot_xmin` on. So where
# the newest change is older, the next one will have a greater number; elsewhere one with a smaller number may yet come.
OLDEST_UNFINISHED = text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
STATE = select(
    select(func.array_agg(documents.c.id)).where(IS_SILENT).scalar_subquery(),
    select(func.max(catalogue_changes.c.transaction)).scalar_subquery(),
    OLDEST_UNFINISHED,
)


@dataclass(frozen=True, slots=True)
class CreatorSummary:
    """A creator, and how many documents of theirs answer."""

    creator: Creator
    documents: int


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """`deleted` are documents whose chunks may still lie in the index. As long as `version` is the same nothing in the
    catalogue has changed; None says nothing, because somebody may just be changing something."""

    deleted: frozenset[UUID]
    version: int | None


class Catalogue:
    """What the service asks of the catalogue. All but `ready` raise `Unavailable` while the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ready(self) -> bool:
        """Whether the database answers, and can be written again where it has refused that."""
        try:
            await refusals.look(self._engine)
        except Unavailable:
            return False
        return True

    async def list_creators(self) -> list[CreatorSummary]:
        """Every creator by name, also those without a document."""
        live = (
            select(documents.c.creator, func.count().label("count"))
            .where(documents.c.status == "ready", documents.c.deleted_at.is_(None))
            .group_by(documents.c.creator)
            .subquery()
        )
        query = (
            select(creators, func.coalesce(live.c.count, 0).label("documents"))
            .outerjoin(live, live.c.creator == creators.c.slug)
            .order_by(creators.c.name)
        )
        async with autocommit(self._engine) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [CreatorSummary(creator_from(row), row["documents"]) for row in rows]

    async def find_creator(self, slug: str) -> Creator | None:
        """The creator with this slug, or None."""
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(select(creators).where(creators.c.slug == slug))).mappings().first()
        return creator_from(row) if row else None

    async def find_documents(self, ids: Collection[UUID]) -> dict[UUID, tuple[Document, Creator]]:
        """Those of `ids` that answer now, with their creators; a deleted document is missing from the moment on."""
        if not ids:
            return {}
        async with autocommit(self._engine) as connection:
            rows = (await connection.execute(FIND_DOCUMENTS, {"ids": list(ids)})).mappings().all()
        return by_id(rows)

    async def all_documents(self, *, at_most: int) -> dict[UUID, tuple[Document, Creator]]:
        """All documents that answer now, with their creators; none where the catalogue has more than `at_most`, also
        counting those that do not answer."""
        async with autocommit(self._engine) as connection:
            rows = (await connection.execute(ALL_DOCUMENTS, {"most": at_most})).mappings().all()
        return by_id(rows)

    async def state(self) -> CatalogueState:
        """What is deleted, and whether anything has changed since the last time; one statement."""
        async with autocommit(self._engine) as connection:
            deleted, changed, unfinished = (await connection.execute(STATE)).one()
        changed = changed or 0
        return CatalogueState(frozenset(deleted or ()), changed if changed < unfinished else None)


def by_id(rows: Sequence[RowMapping]) -> dict[UUID, tuple[Document, Creator]]:
    """Rows of documents by their ids, each with whose it is."""
    return {row["id"]: (document_from(row), Creator(row["creator"], row["creator_name"])) for row in rows}


def creator_from(row: RowMapping) -> Creator:
    """A row of `creators` as a `Creator`."""
    return Creator(
        slug=row["slug"],
        name=row["name"],
        bio=row["bio"],
        voice=row["voice"],
        topics=tuple(row["topics"]),
        links=tuple(Link(**link) for link in row["links"]),
        questions=tuple(row["questions"]),
        persona=row["persona"],
        profile=profile_from(row["profile"]),
    )


def document_from(row: RowMapping) -> Document:
    """A row of `documents` as a `Document`."""
    return Document(
        id=row["id"],
        creator=row["creator"],
        title=row["title"],
        kind=row["kind"],
        source_uri=row["source_uri"],
        url=row["url"],
        published_at=row["published_at"],
        duration_s=row["duration_s"],
        topics=tuple(row["topics"]),
    )
