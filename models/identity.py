"""Numbers that name a person, at rest: checked, sealed, found by blind index, shown masked only."""

from uuid import UUID

from domain.identifiers import mask_aadhaar, mask_pan, valid_aadhaar, valid_pan
from models.resident import Resident
from models.vault import Vault

PAN, AADHAAR = "residents.pan", "residents.aadhaar"


def pan_columns(
    vault: Vault, tenant_id: UUID, field: str, given: str | None
) -> dict[str, bytes | None]:
    """What the row keeps of a PAN; InvalidInput that names `field`, never the number."""
    if given is None:
        return {"pan_encrypted": None, "pan_index": None}
    pan = valid_pan(given, field)
    return {
        "pan_encrypted": vault.seal(tenant_id, PAN, pan),
        "pan_index": vault.index(tenant_id, PAN, pan),
    }


def aadhaar_columns(
    vault: Vault, tenant_id: UUID, field: str, given: str | None
) -> dict[str, bytes | None]:
    """What the row keeps of an Aadhaar number: sealed, and by law not even findable."""
    if given is None:
        return {"aadhaar_encrypted": None}
    return {"aadhaar_encrypted": vault.seal(tenant_id, AADHAAR, valid_aadhaar(given, field))}


def masked_pan(vault: Vault, resident: Resident) -> str | None:
    """ACUPAXXXXR, as people may see it."""
    if resident.pan_encrypted is None:
        return None
    return mask_pan(vault.open(resident.tenant_id, PAN, resident.pan_encrypted))


def masked_aadhaar(vault: Vault, resident: Resident) -> str | None:
    """XXXXXXXX2346, as people may see it."""
    if resident.aadhaar_encrypted is None:
        return None
    return mask_aadhaar(vault.open(resident.tenant_id, AADHAAR, resident.aadhaar_encrypted))
