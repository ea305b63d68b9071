"""`python -m classifiers.workshop`: see make.py."""

from classifiers.workshop.make import main

if __name__ == "__main__":
    main()
