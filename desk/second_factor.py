"""A member's second factor: an authenticator's secret, which only the console can unseal, and recovery codes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update

from desk import audit
from desk.work import Work
from models.access import Permission
from models.errors import NotAllowed, Refusal
from models.session import RecoveryCode, SecondFactor

RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True)
class Factor:
    """What is kept of it."""

    sealed: str
    confirmed: bool
    recovery_left: int


def is_on(work: Work, member_id: int) -> bool:
    """Whether a code is asked for at sign-in."""
    row = work.session.get(SecondFactor, member_id)
    return row is not None and row.confirmed_at is not None


def get(work: Work, member_id: int) -> Factor | None:
    """What a member has set up, perhaps not yet confirmed."""
    row = work.session.get(SecondFactor, member_id)
    if row is None:
        return None
    left = work.session.scalar(
        select(func.count()).where(RecoveryCode.member_id == member_id, RecoveryCode.used_at.is_(None))
    )
    return Factor(row.sealed, row.confirmed_at is not None, left or 0)


def propose(work: Work, member_id: int, sealed: str) -> None:
    """A new secret that waits for its first code. One that is in use is not replaced."""
    _own(work, member_id)
    if is_on(work, member_id):
        raise Refusal("second_factor.is_on")
    work.session.merge(SecondFactor(member_id=member_id, sealed=sealed, last_step=0, created_at=work.now))


def confirm(work: Work, member_id: int, step: int) -> list[str]:
    """The first code fits: from now on one is asked for. Gives the recovery codes, shown once."""
    _own(work, member_id)
    if is_on(work, member_id) or not take(work, member_id, step):
        raise Refusal("second_factor.wrong")
    work.session.execute(update(SecondFactor).where(SecondFactor.member_id == member_id).values(confirmed_at=work.now))
    audit.record(work, "second_factor.on", f"member:{member_id}")
    return _fresh_codes(work, member_id)


def take(work: Work, member_id: int, step: int) -> bool:
    """A code of that time step fits. False where one of it, or of a later one, was taken before."""
    taken = work.session.scalars(
        update(SecondFactor)
        .where(SecondFactor.member_id == member_id, SecondFactor.last_step < step)
        .values(last_step=step)
        .returning(SecondFactor.member_id)
        .execution_options(synchronize_session="fetch")
    ).all()
    return bool(taken)


def take_recovery(work: Work, member_id: int, code: str) -> bool:
    """A recovery code opens once."""
    taken = work.session.scalars(
        update(RecoveryCode)
        .where(RecoveryCode.digest == _digest(member_id, code), RecoveryCode.used_at.is_(None))
        .values(used_at=work.now)
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    if taken:
        audit.record(work, "second_factor.recovery_used", f"member:{member_id}")
    return bool(taken)


def new_codes(work: Work, member_id: int) -> list[str]:
    """Ten new recovery codes; the old ones open nothing any more."""
    _own(work, member_id)
    if not is_on(work, member_id):
        raise Refusal("second_factor.is_off")
    audit.record(work, "second_factor.new_codes", f"member:{member_id}")
    return _fresh_codes(work, member_id)


def remove(work: Work, member_id: int) -> bool:
    """No code is asked for any more: the member may, and who manages the team, for somebody who lost theirs."""
    if work.actor.member_id != member_id:
        work.require(Permission.MANAGE_TEAM)
    work.session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member_id))
    gone = work.session.scalars(
        delete(SecondFactor).where(SecondFactor.member_id == member_id).returning(SecondFactor.member_id)
    ).all()
    if gone:
        audit.record(work, "second_factor.off", f"member:{member_id}")
    return bool(gone)


def _own(work: Work, member_id: int) -> None:
    """A second step is set up by its member and by nobody else."""
    if work.actor.member_id != member_id:
        raise NotAllowed("team.not_theirs")


def _fresh_codes(work: Work, member_id: int) -> list[str]:
    work.session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member_id))
    codes = [_code() for _ in range(RECOVERY_CODES)]
    work.session.add_all(RecoveryCode(member_id=member_id, digest=_digest(member_id, code)) for code in codes)
    return codes


def _code() -> str:
    """Fifty bits, easy to read aloud."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def _digest(member_id: int, code: str) -> str:
    """Random enough that a plain digest holds; bound to its member."""
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"{member_id}:{plain}".encode()).hexdigest()
