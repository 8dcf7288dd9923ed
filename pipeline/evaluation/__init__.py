"""Judges retrieval on questions whose right passages are known."""
