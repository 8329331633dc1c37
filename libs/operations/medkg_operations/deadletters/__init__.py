"""Dead letters: which there are, and what is done about them."""
