"""Docker Swarm as an engine."""
