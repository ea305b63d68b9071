"""For maintainers: how the shipped encoder is made (torch and transformers, `make model`). Nothing here serves."""
