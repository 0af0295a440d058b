"""What is kept elsewhere before it goes."""
