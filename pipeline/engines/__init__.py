"""Where the heavy part of an ingestion runs."""
