"""Why an item was recommended: which evidence, from which events, how much."""
