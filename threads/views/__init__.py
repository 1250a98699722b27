"""The pages: rendered here, without a script, from what the selectors read."""
