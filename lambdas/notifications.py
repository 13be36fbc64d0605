"""Sends the customer a confirmation through SES: an external effect, so at least once.

A crash between sending and completing sends a second e-mail: SES takes no idempotency key that would stop it. The key
travels as a header, for mail systems downstream that drop repeats.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from lambdas.runtime import Tools, lambda_handler
from messaging.effects import External
from messaging.errors import Poison, SettingsError
from messaging.events import OrderPlaced
from messaging.message import Message

# The request itself is wrong. Not MessageRejected, which is also the answer while the sender is not verified.
# Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
NEVER_SENT = {"BadRequestException"}


def notifications(tools: Tools) -> External:
    """The consumer's effects. Raises SettingsError where the function has no sender address."""
    sender = tools.settings.mail_from
    if sender is None:
        raise SettingsError("WAYBILL_MAIL_FROM is not set: deploy with -c mail_from=ADDRESS")

    def confirm(message: Message, idempotency_key: str) -> None:
        try:
            tools.ses.send_email(**confirmation(message, sender, idempotency_key))
        except ClientError as error:
            if error.response["Error"]["Code"] in NEVER_SENT:
                raise Poison(f"SES rejected the e-mail: {error.response['Error']['Code']}") from error
            raise

    return External(calls={OrderPlaced: confirm})


def confirmation(message: Message, sender: str, idempotency_key: str) -> dict[str, object]:
    """The arguments of SendEmail. The recipient is SES's simulator, which accepts any label and delivers to nobody."""
    order = message.event
    lines = "\n".join(f"  {line.quantity} x {line.sku}  {line.amount():.2f}" for line in order.lines)
    text = (
        f"Order {order.order_id} of {order.placed_at[:10]}\n\n{lines}\n\nTotal {order.amount():.2f} {order.currency}\n"
    )
    return {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": [f"success+{order.customer_id}@simulator.amazonses.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": f"We have your order {order.order_id}", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                "Headers": [{"Name": "Idempotency-Key", "Value": idempotency_key}],
            }
        },
    }


handler = lambda_handler(notifications)
