"""Which address a client is counted by, and how often and how much at once anybody may ask."""
