"""What is said about images, as in-toto statements in DSSE envelopes; and what such an envelope is worth. Pure."""
