"""Tells the customer by e-mail, through SES, that an order has arrived, or that stock is short: external effects.

At least once: a crash between sending and completing sends a second e-mail, for SES takes no idempotency key that would
stop it. The key travels as a header, for mail systems downstream that drop repeats.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from lambdas.runtime import Tools, lambda_handler
from messaging.effects import External
from messaging.errors import Poison, SettingsError
from messaging.events import CustomerId, OrderPlaced, StockRefused
from messaging.message import Message

# The request itself is wrong. Not MessageRejected, which is also the answer while the sender is not verified.
# Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
NEVER_SENT = {"BadRequestException"}


def notifications(tools: Tools) -> External:
    """The consumer's effects. Raises SettingsError where the function has no sender address."""
    sender = tools.settings.mail_from
    if sender is None:
        raise SettingsError("WAYBILL_MAIL_FROM is not set: deploy with -c mail_from=ADDRESS")

    def confirm(message: Message[OrderPlaced], idempotency_key: str) -> None:
        send(confirmation(message.event, sender, idempotency_key))

    def refuse(message: Message[StockRefused], idempotency_key: str) -> None:
        send(refusal(message.event, sender, idempotency_key))

    def send(mail: dict[str, object]) -> None:
        try:
            tools.ses.send_email(**mail)
        except ClientError as error:
            if error.response["Error"]["Code"] in NEVER_SENT:
                raise Poison(f"SES rejected the e-mail: {error.response['Error']['Code']}") from error
            raise

    return External(calls={OrderPlaced: confirm, StockRefused: refuse})


def confirmation(order: OrderPlaced, sender: str, idempotency_key: str) -> dict[str, object]:
    """The arguments of SendEmail that say what was ordered."""
    lines = "\n".join(f"  {line.quantity} x {line.sku}  {line.amount():.2f}" for line in order.lines)
    text = (
        f"Order {order.order_id} of {order.placed_at[:10]}\n\n{lines}\n\nTotal {order.amount():.2f} {order.currency}\n"
    )
    return mail(
        sender, order.customer_id, f"We have your order {order.order_id}", text, idempotency_key=idempotency_key
    )


def refusal(refused: StockRefused, sender: str, idempotency_key: str) -> dict[str, object]:
    """The arguments of SendEmail that say what is short."""
    short = "\n".join(f"  {each.sku}: {each.wanted} wanted, {each.in_stock} in stock" for each in refused.short)
    text = f"We can't deliver order {refused.order_id}, for this is short:\n\n{short}\n\nNothing of it is reserved.\n"
    subject = f"We can't deliver your order {refused.order_id}"
    return mail(sender, refused.customer_id, subject, text, idempotency_key=idempotency_key)


def mail(sender: str, customer_id: CustomerId, subject: str, text: str, *, idempotency_key: str) -> dict[str, object]:
    """The recipient is SES's simulator, which accepts any label and delivers to nobody."""
    return {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": [f"success+{customer_id}@simulator.amazonses.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": subject, "Charset": "UTF-8"},
                "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                "Headers": [{"Name": "Idempotency-Key", "Value": idempotency_key}],
            }
        },
    }


handler = lambda_handler(notifications)
