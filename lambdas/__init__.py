"""The consumers: `runtime` composes, then one file per consumer with its effect and nothing more."""
