"""The loaded system: recommend, observe, explain, find alike, save and load."""
