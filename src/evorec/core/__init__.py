"""The ground floor: ids, events, catalogue, errors, artifacts. Imports nothing else of evorec."""
