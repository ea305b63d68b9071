"""The schema's history: one file a revision, applied in order by bot/migrate.py."""
