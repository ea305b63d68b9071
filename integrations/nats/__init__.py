"""NATS: wake-ups and presence among the processes of one installation. Nothing here is ever the truth."""
