"""The synthesized alarms, evaluated against the engine, which publishes few metrics and evaluates no alarm well."""
