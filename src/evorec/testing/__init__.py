"""Contract suites that every implementation passes, shipped so that plug-ins can run them too."""
