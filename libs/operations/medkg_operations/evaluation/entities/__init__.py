"""Measures how well names are found in texts in which people have marked them."""
