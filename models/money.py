"""Money: integer minor units with a currency; one place rounds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_EXPONENTS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
    "JOD": 3,
}


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True)
class Money:
    """`minor` units of `currency`; may be negative."""

    minor: int
    currency: str

    def fact(self) -> dict[str, list[int | str]]:
        """The form in which phrases format it."""
        return {"$money": [self.minor, self.currency]}

    @property
    def decimal(self) -> Decimal:
        """In major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))


def from_decimal(value: Decimal, currency: str) -> Money:
    """Major units to Money, rounding half up once."""
    scaled = value.scaleb(exponent(currency))
    return Money(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)


def price_energy(energy_wh: int, price_minor_per_kwh: int, currency: str) -> Money:
    """What `energy_wh` costs at a price per kWh, rounded half up once at the total (negative energy costs nothing)."""
    exact = Decimal(max(energy_wh, 0)) * Decimal(price_minor_per_kwh) / Decimal(1000)
    return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)
