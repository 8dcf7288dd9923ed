"""The curators' side: reads content, cuts it into passages, embeds them and publishes the index."""
