"""Ways to reach engines."""
