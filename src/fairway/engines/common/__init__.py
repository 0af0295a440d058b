"""What engines share: what is kept of an environment, whatever it is kept in."""
