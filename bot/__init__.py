"""Five doors and what joins them: channels, the assistant, the workers, settings and the command line."""
