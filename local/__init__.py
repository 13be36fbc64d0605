"""The embedded engine: start, deploy, mend, watch."""
