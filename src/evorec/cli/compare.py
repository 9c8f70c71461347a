"""`evorec compare`: a recipe against every one of its members and the baselines."""

from evorec.cli.evaluate import hold_out_command

compare = hold_out_command(
    "As `evaluate`, with every scorer of the recipe alone: paired differences against the whole recipe.", members=True
)
