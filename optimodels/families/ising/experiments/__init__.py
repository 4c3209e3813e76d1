"""The experiments of paper 001, sections 3 to 5.2: one file each."""
