"""What a rate and a burst of orders do to the queues: backlog, lag and time to drain, within AWS's quotas."""
