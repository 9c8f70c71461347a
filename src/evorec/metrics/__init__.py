"""Measures of recommendation lists and their uncertainty, on plain arrays."""
