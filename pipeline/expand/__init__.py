"""What leads to documents without being one: addresses, feeds, sitemaps, archives."""
