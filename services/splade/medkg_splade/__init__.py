"""Weighs the terms that chunks are about, by a SPLADE model."""
