"""evorec: recommendations that follow how each user's interests evolve."""
