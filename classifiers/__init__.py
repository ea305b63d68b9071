"""Text in, Reading out; training and evaluation."""
