"""What staff see in a browser: a file for each page or group of pages."""
