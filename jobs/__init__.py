"""What the clock does: idempotent sweeps, one table that lists them."""
