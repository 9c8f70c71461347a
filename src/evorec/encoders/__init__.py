"""Pretrained and lexical models that turn item texts into vectors, their disk cache, and whitening."""
