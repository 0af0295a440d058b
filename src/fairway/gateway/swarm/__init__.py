"""The gateways of a Swarm: a global service, and the couriers through which they are told."""
