"""What staff type: a file for each command, one table that lists them."""
