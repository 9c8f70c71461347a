"""Scorers, each one source of evidence, and the blend that weighs them."""
