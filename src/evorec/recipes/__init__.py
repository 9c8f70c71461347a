"""Assembly: which parts make a system, how their settings are chosen, and how a saved one is put together again."""
