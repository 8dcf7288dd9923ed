"""How a creator talks, measured from their own words."""
