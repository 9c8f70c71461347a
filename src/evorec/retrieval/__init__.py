"""From scores to lists: exact top-k and diversity."""
