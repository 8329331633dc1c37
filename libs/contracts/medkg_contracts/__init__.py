"""The contracts of medkg: the words that every part shares. Imports nothing else of ours."""
