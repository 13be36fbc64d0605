"""Dead letters: found, shown, kept in files, mended and sent back. `cli.commands.dlq` is what operators see."""
