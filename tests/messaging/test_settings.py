"""The environment contract: what the stacks write is what the functions read."""

from __future__ import annotations

import pytest

from messaging.errors import SettingsError
from messaging.settings import RelaySettings, Settings

SETTINGS = Settings(
    consumer="inventory",
    queue_url="https://queue",
    dead_letter_queue_url="https://dead",
    tables={"inbox": "Inbox-1", "stock": "Stock-2"},
    code_version="abc",
    newer_version_patience_seconds=900,
    mail_from="orders@example.com",
)


RELAY_SETTINGS = RelaySettings(topic_arn="arn:topic", outbox_table="Outbox-3", code_version="abc")
EACH = pytest.mark.parametrize("settings", [SETTINGS, RELAY_SETTINGS], ids=lambda settings: type(settings).__name__)


@EACH
def test_written_settings_are_read_back(settings: Settings | RelaySettings) -> None:
    """Writer and reader agree, foreign variables don't disturb."""
    environment = {**settings.to_environment(), "PATH": "/bin", "WAYBILL_OTHER": ""}
    assert type(settings).from_environment(environment) == settings


@pytest.mark.fault(59)
@EACH
def test_an_empty_variable_fails_closed(settings: Settings | RelaySettings) -> None:
    """The error names the variable; a function with half its settings does not run."""
    for name in settings.to_environment():
        with pytest.raises(SettingsError, match=name):
            type(settings).from_environment({**settings.to_environment(), name: " "})


@pytest.mark.fault(59)
def test_a_wrong_number_is_refused_without_its_value() -> None:
    """Values never reach an error."""
    environment = {**SETTINGS.to_environment(), "WAYBILL_NEWER_VERSION_PATIENCE_SECONDS": "soon-secret"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    assert "secret" not in str(caught.value)
