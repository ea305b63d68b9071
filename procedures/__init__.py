"""What takes time and talks to machines: async, durable, resumable."""
