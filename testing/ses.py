"""SES in memory: a mailbox that remembers of each e-mail what tests ask for, and boto3's client in front of it.

mailbox = Mailbox(scheduler)
Client(mailbox).send_email(FromEmailAddress=..., Destination=..., Content={"Simple": ...})
assert mailbox.sent["notifications/OrderPlaced-1001"] == 1
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from testing.client_exceptions import Exceptions
from testing.scheduler import Scheduler

Reply = dict[str, Any]
Request = Mapping[str, Any]

IDEMPOTENCY_KEY = "idempotency-key"
# Source: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_RECIPIENTS = 50
# Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html and API_MessageHeader.html
MAX_HEADERS = 15
MAX_HEADER_CHARACTERS = 996  # name and value together
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]{1,995}")
_ADDRESS = re.compile(r"(.*<)?(?P<local>[^<>@]*)@(?P<domain>[^<>@]*)>?")
_CONTROL_OR_WHITESPACE = re.compile(r"[\x00-\x20\x7f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARAMETERS = {"FromEmailAddress", "Destination", "Content", "ReplyToAddresses", "ConfigurationSetName", "EmailTags"}


class Refused(Exception):
    """A request that SES refuses: its error code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NotImplementedHere(NotImplementedError):
    """A part of the API that this SES does not have: it says so instead of ignoring what was asked."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What is remembered of an e-mail; not its text."""

    message_id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    idempotency_key: str | None  # the value of its header of that name
    at: float  # epoch seconds


class Mailbox:
    """SES. It knows no identities: every sender is verified, and what is sent is delivered.

    `sent` counts e-mails by their idempotency key: SES itself drops no repeat.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.mails: list[Mail] = []
        self.sent: Counter[str] = Counter()
        self._scheduler = scheduler

    def execute(self, operation: str, request: Request) -> Reply:
        """Run SendEmail of SES's API v2. Raises Refused as SES would.

        Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
        """
        if operation != "SendEmail":
            raise NotImplementedHere(f"operation {operation}")
        unknown = request.keys() - _PARAMETERS
        if unknown:
            raise NotImplementedHere(f"SendEmail: parameters {', '.join(sorted(unknown))}")
        mail = self._admit(request)
        self.mails.append(mail)
        if mail.idempotency_key is not None:
            self.sent[mail.idempotency_key] += 1
        return {"MessageId": mail.message_id}

    def _admit(self, request: Request) -> Mail:
        content = request.get("Content", {})
        if not content:
            raise _bad("Content is missing")
        if "Simple" not in content:
            raise NotImplementedHere(f"SendEmail: Content.{', '.join(sorted(content))}")
        message = content["Simple"]
        sender = request.get("FromEmailAddress", "")
        destination = request.get("Destination", {})
        recipients = [
            address
            for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
            for address in destination.get(kind) or ()
        ]
        _check_addresses([sender, *recipients])
        if not recipients:
            raise _bad("Destination has no address")
        if len(recipients) > MAX_RECIPIENTS:
            raise _bad(f"Recipient count exceeds {MAX_RECIPIENTS}.")
        if "Text" not in message["Body"] and "Html" not in message["Body"]:
            raise _bad("Body has neither Text nor Html")
        subject = message["Subject"]["Data"]
        if _CONTROL.search(subject):
            raise _bad("Subject contains control characters")
        headers = message.get("Headers") or ()
        _check_headers(headers)
        keys = [header["Value"] for header in headers if header["Name"].lower() == IDEMPOTENCY_KEY]
        return Mail(
            message_id=f"{self._scheduler.new_id()}-000000",
            sender=sender,
            to=tuple(recipients),
            subject=subject,
            idempotency_key=keys[0] if keys else None,
            at=self._scheduler.now,
        )


def _check_addresses(addresses: Iterable[str]) -> None:
    """The messages are SES's: https://github.com/openstax/accounts/issues/253 and the like."""
    for address in addresses:
        if not address:
            raise _bad("Invalid email address .")
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise _bad("Missing final '@domain'")
        if _CONTROL_OR_WHITESPACE.search(match["local"]):
            raise _bad("Local address contains control or whitespace")
        if _CONTROL_OR_WHITESPACE.search(match["domain"]):
            raise _bad("Domain contains control or whitespace")
        if not match["local"]:
            raise _bad("Missing local name")
        if not match["domain"]:
            raise _bad("Missing domain")
        if not match["local"].isascii():
            raise _bad("Local address contains illegal character")


def _check_headers(headers: Sequence[Mapping[str, str]]) -> None:
    if len(headers) > MAX_HEADERS:
        raise _bad(f"Headers: at most {MAX_HEADERS}")
    for header in headers:
        name, value = header["Name"], header["Value"]
        if not _HEADER_NAME.fullmatch(name):
            raise _bad(f"Header name: printable ASCII without colon, 1 to 126 characters, not {name!r}")
        if not _HEADER_VALUE.fullmatch(value) or len(name) + len(value) > MAX_HEADER_CHARACTERS:
            raise _bad(f"Value of header {name}: printable ASCII, with its name at most {MAX_HEADER_CHARACTERS}")


def _bad(message: str) -> Refused:
    """A request that makes no sense. The words are SES's where they are known, and its code is always this."""
    return Refused("BadRequestException", message)


_STATUS = {"TooManyRequestsException": 429, "NotFoundException": 404}
_MODELLED = (
    "AccountSuspendedException",
    "BadRequestException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "MessageRejected",
    "NotFoundException",
    "SendingPausedException",
    "TooManyRequestsException",
)
EXCEPTIONS = Exceptions("SESv2", _MODELLED)


class Client:
    """Takes boto3's keyword arguments of the client `sesv2`, replies and raises as boto3 does, at once."""

    exceptions = EXCEPTIONS

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def send_email(self, **request: Any) -> dict[str, Any]:
        """One e-mail."""
        try:
            reply = self._mailbox.execute("SendEmail", request)
        except Refused as refused:
            raise _client_error(refused) from None
        reply["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return reply


def _client_error(refused: Refused) -> ClientError:
    response = {
        "Error": {"Message": refused.message, "Code": refused.code},
        "message": refused.message,
        "ResponseMetadata": {"HTTPStatusCode": _STATUS.get(refused.code, 400), "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    return EXCEPTIONS.class_of(refused.code)(response, "SendEmail")
