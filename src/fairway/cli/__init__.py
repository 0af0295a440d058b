"""The command line."""

import gc

# A command's imports make some 100,000 objects that all stay: looking for garbage among them costs up to 40 ms.
gc.set_threshold(100_000)
