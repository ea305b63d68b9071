"""What WhatsApp needs to know, as bot/settings.py hands it over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TWILIO_API = "https://api.twilio.com"
TWILIO_CONTENT = "https://content.twilio.com"
TWILIO_MESSAGING = "https://messaging.twilio.com"
INBOUND_PATH = "/webhooks/twilio/whatsapp"
STATUS_PATH = "/webhooks/twilio/status"
SAMPLE_TEMPLATES = Path(__file__).with_name("templates.json")


@dataclass(frozen=True)
class WhatsAppSettings:
    """An account at Twilio and the number we write from.

    `sender` is `whatsapp:+…`. `public_url` is what Twilio calls and signs, without a trailing slash. `api_url` stands
    for every twilio.com host where it is not Twilio's own. Without an API key the auth token is the password.
    `templates` maps intent and language to a ContentSid. `content_api` allows buttons and lists.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    public_url: str
    auth_token_secondary: str = field(default="", repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    api_url: str = TWILIO_API
    templates: Path = SAMPLE_TEMPLATES
    content_api: bool = True

    @property
    def tokens(self) -> tuple[str, ...]:
        """The auth tokens that may have signed a webhook: two while one is being replaced."""
        return tuple(token for token in (self.auth_token, self.auth_token_secondary) if token)

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password for Twilio's HTTP API and for media."""
        return (self.api_key, self.api_secret) if self.api_key else (self.account_sid, self.auth_token)

    @property
    def account_url(self) -> str:
        """Where this account's messages are."""
        return f"{self.api_url.rstrip('/')}/2010-04-01/Accounts/{self.account_sid}"

    @property
    def content_url(self) -> str:
        """Where buttons and lists are made."""
        return f"{self._host(TWILIO_CONTENT)}/v1/Content"

    @property
    def typing_url(self) -> str:
        """Where Twilio is told that somebody types."""
        return f"{self._host(TWILIO_MESSAGING)}/v2/Indicators/Typing.json"

    def _host(self, twilios: str) -> str:
        own = urlsplit(self.api_url).hostname == urlsplit(TWILIO_API).hostname
        return twilios if own else self.api_url.rstrip("/")

    def signed_url(self, path: str, raw_query: str = "") -> str:
        """The address as Twilio saw it when it signed: never what a proxy or a Host header says."""
        return f"{self.public_url.rstrip('/')}{path}{'?' + raw_query if raw_query else ''}"

    def status_url(self, outbox_id: int | None = None) -> str:
        """Where Twilio reports what became of a message; with our outbox id, so that a lost answer is found again."""
        return self.signed_url(STATUS_PATH, "" if outbox_id is None else f"o={outbox_id}")
