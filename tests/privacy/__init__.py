"""A text that is in payloads alone, sent through every path, and looked for wherever no payload may be."""
