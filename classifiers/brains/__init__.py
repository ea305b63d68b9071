"""Other brains behind the same shape: a transformers model of one's own, and an endpoint that is asked in doubt."""
