"""Interests: topics, the state that holds them, and how it evolves. Takes arrays, knows no tables and no torch."""
