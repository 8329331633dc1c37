"""Measures how well claims are read, on articles whose claims people have annotated."""
