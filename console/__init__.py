"""What staff see: JSON API, pages, live streams."""
