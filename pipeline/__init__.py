"""Ingestion: reads creators' content, chunks and embeds it, and publishes it to the index."""
