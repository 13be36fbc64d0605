"""One module a command: `run` is what `cli.__main__` calls."""
