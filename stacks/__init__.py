"""The CDK stacks, derived from `messaging.topology`."""
