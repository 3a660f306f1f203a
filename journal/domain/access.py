"""Who may see what. Every read and write of patient data says for whom it is done."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Viewer:
    """`account_id` looks into the journal of `patient_id`."""

    account_id: UUID
    patient_id: UUID

    @classmethod
    def patient(cls, account_id: UUID) -> "Viewer":
        """The patient, in the own journal: sees and writes all of it."""
        return cls(account_id, account_id)

    @property
    def may_write(self) -> bool:
        return self.account_id == self.patient_id

    def may_read(self, kind: str) -> bool:
        """Until shares exist, a journal is open to its patient alone."""
        return bool(kind) and self.account_id == self.patient_id
