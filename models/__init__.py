"""Nouns: tables, values, shapes, and rules that need nothing else. No I/O, no clock, no prose."""
