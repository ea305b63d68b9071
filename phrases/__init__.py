"""Words for people: catalogues and say(code, facts, language)."""
