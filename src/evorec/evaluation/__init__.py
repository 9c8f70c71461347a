"""Honest evaluation: the protocol, the baselines that stand beside every model, and the report."""
