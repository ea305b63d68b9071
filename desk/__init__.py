"""Verbs of the service desk; the only room that writes tables."""
