"""Reading content: one module per kind, each from bytes that were read already to a `ParsedDocument`."""
