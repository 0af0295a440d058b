"""What must be known of images before they may run in an environment: (rules, facts) → refusals. Pure."""
