"""Saved queries of Logs Insights, over the logs of every function: what people ask of them at night.

The words in capitals are what the person fills in. Lambda's own REPORT lines say how long an invocation took.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack

from stacks.resources import Value, add_resource

# Follow-up events keep the correlation id of what caused them, so one id is the whole journey. As text, for a batch
# names its events in one line, and their own lines are not written where all is well; with its quotation marks, or it
# would find longer ids too.
QUERIES: Mapping[str, str] = {
    "One order's whole journey": """
        fields @timestamp, service, message, outcome, event_type, event_id, causation_id, reason, detail, @message
        | filter @message like '"CORRELATION-ID"'
        | sort @timestamp asc
        | limit 1000""",
    "Why an event failed": """
        fields @timestamp, service, outcome, reason, detail, attempt, delivery_id, function_request_id, trace_id
        | filter event_id = "EVENT-ID" and ispresent(outcome)
        | sort @timestamp asc
        | limit 1000""",
    "Slowest batches": """
        fields @timestamp, @log, @duration, @initDuration, @maxMemoryUsed / 1000000 as memory_mb, @requestId
        | filter @type = "REPORT"
        | sort @duration desc
        | limit 50""",
    "Outcomes by reason": """
        filter message = "record" and ispresent(outcome)
        | stats count(*) as records, min(@timestamp) as first_at, max(@timestamp) as last_at by service, outcome, reason
        | sort records desc""",
}


def save_queries(stack: Stack, log_groups: Sequence[Value]) -> None:
    """Each of QUERIES, in a folder of the stack's name."""
    folder = stack.stack_name
    for name, text in QUERIES.items():
        lines = (line.strip() for line in text.strip().splitlines())
        properties = {
            "Name": f"{folder}/{name}",
            "QueryString": "\n".join(lines),
            "LogGroupNames": [*log_groups],
        }
        add_resource(
            stack,
            "".join(word.capitalize() for word in _letters(name).split()),
            "AWS::Logs::QueryDefinition",
            properties,
        )


def _letters(text: str) -> str:
    return "".join(each for each in text if each.isalpha() or each == " ")
