"""Identidock: shows the picture that belongs to a name."""
