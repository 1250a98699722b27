"""Review assistant for Linux memory-management patches: the wiring and the engine."""
