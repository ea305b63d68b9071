"""Meter values of both versions: samples in, one reading of register, power and state of charge out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.ocpp.tolerance import MAX_REGISTER_WH, instant_of, part_of, parts_of

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
SOC = "SoC"


@dataclass(frozen=True)
class Reading:
    """A meter at an instant: register in Wh, power in W, state of charge in percent, where given."""

    at: datetime
    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: int | None = None
    context: str | None = None

    @property
    def empty(self) -> bool:
        """Nothing in it that is kept."""
        return self.energy_wh is None and self.power_w is None and self.soc_percent is None


def readings(payload: dict[str, Any], received: datetime, key: str = "meterValue") -> list[Reading]:
    """The readings of a message that say something; a reading without a usable stamp takes the time of receipt."""
    found = (_reading(value, received) for value in parts_of(payload, key))
    return [reading for reading in found if not reading.empty]


def _reading(value: dict[str, Any], received: datetime) -> Reading:
    samples = parts_of(value, "sampledValue")
    energy = _total(samples, ENERGY)
    power = _total(samples, POWER)
    soc = _total(samples, SOC)
    return Reading(
        at=instant_of(value, "timestamp", received) or received,
        energy_wh=energy,
        power_w=None if power is None else max(power, 0),
        soc_percent=soc if soc is not None and 0 <= soc <= 100 else None,
        context=next((sample["context"] for sample in samples if isinstance(sample.get("context"), str)), None),
    )


def _total(samples: list[dict[str, Any]], measurand: str) -> int | None:
    """The value over all phases: the sample without a phase, else the sum of the phases L1 to L3."""
    mine = [sample for sample in samples if (sample.get("measurand") or ENERGY) == measurand and _at_outlet(sample)]
    whole = [amount for sample in mine if not sample.get("phase") and (amount := _amount(sample)) is not None]
    if whole:
        return round(whole[0])
    by_phase = {
        str(sample["phase"])[:2]: amount
        for sample in mine
        if str(sample.get("phase")) in ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N") and (amount := _amount(sample))
    }
    return round(sum(by_phase.values())) if by_phase else None


def _at_outlet(sample: dict[str, Any]) -> bool:
    return (sample.get("location") or "Outlet") == "Outlet" and sample.get("format") != "SignedData"


def _amount(sample: dict[str, Any]) -> float | None:
    """The value in Wh, W or percent; None where it is not a finite, sane number."""
    value = sample.get("value")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
    modern = part_of(sample, "unitOfMeasure")
    unit = str(sample.get("unit") or modern.get("unit") or "")
    multiplier = modern.get("multiplier", 0)
    if isinstance(multiplier, int) and abs(multiplier) <= 12:
        amount *= 10**multiplier
    if unit in ("kWh", "kW", "kVA"):
        amount *= 1000
    return amount if abs(amount) <= MAX_REGISTER_WH else None
