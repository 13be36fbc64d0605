"""`waybill`, the operator's command: the same on an AWS account and on the local engine."""
