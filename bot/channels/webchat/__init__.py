"""The web chat: a page, a widget that other sites embed, and a WebSocket that resumes without loss or repeat."""
