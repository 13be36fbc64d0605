"""The commands of `waybill dlq`: each parses its options, has the work done, and tells of it."""
