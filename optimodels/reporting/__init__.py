"""Results for a reader: text for the terminal, files for a folder."""
