"""``python -m optimodels``."""

from optimodels.cli import program

if __name__ == "__main__":
    program()
