"""Pictures of interests: charts for files and a small one for the terminal."""
