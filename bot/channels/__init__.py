"""The channels people write to; siblings that do not import one another."""
