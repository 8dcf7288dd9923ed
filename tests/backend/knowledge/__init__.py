"""backend.knowledge."""
