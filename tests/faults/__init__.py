"""Kill tests: the real command, ended in every way."""
