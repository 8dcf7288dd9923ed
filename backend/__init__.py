"""The service: retrieves passages, shows them first, then streams a cited answer."""
