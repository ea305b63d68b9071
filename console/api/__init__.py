"""The JSON API at /api/v1: what scripts and other tools ask."""
