"""Ratios against a stated limit in the same run."""
