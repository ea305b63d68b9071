"""Adapters that fit desk verbs to the shapes in models/ports.py."""
