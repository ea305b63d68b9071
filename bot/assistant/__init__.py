"""How the assistant answers: one file for each way."""
