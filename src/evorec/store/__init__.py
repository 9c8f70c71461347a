"""Where histories live: what a log of events must offer, and one that lives in memory."""
