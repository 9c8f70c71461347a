"""Event logs, catalogues and users: reading, cleaning, describing, splitting, simulating, fetching."""
