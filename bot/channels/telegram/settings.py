"""What the drivers' bot needs to know, as bot/settings.py hands it over."""

from __future__ import annotations

from dataclasses import dataclass, field

TELEGRAM_API = "https://api.telegram.org"


@dataclass(frozen=True)
class TelegramSettings:
    """A bot at Telegram. `webhook` is the address and the secret that Telegram calls with; None: we poll."""

    token: str = field(repr=False)
    api_url: str = TELEGRAM_API
    webhook: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """The bot's id."""
        return self.token.partition(":")[0]
