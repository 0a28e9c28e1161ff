"""Personal data at rest: AES-256-GCM by Tink, bound to its tenant and column, found by blind index.

A ciphertext moved to another tenant or column does not decrypt: both are associated data.
"""

import hashlib
import hmac
from uuid import UUID

import tink
from tink import aead, secret_key_access

INDEX_KEY_BYTES = 32


class Vault:
    """Seals and opens personal data; `keyset` is Tink JSON, `index_key` 32 bytes or more."""

    def __init__(self, keyset: str, index_key: bytes) -> None:
        if len(index_key) < INDEX_KEY_BYTES:
            raise ValueError(
                f"the index key has {len(index_key)} bytes, {INDEX_KEY_BYTES} are asked"
            )
        aead.register()
        handle = tink.json_proto_keyset_format.parse(keyset, secret_key_access.TOKEN)
        self._aead = handle.primitive(aead.Aead)
        self._index_key = index_key

    def seal(self, tenant_id: UUID, column: str, text: str) -> bytes:
        """Encrypt a value of a tenant's column."""
        return self._aead.encrypt(text.encode(), _bound(tenant_id, column))

    def open(self, tenant_id: UUID, column: str, sealed: bytes) -> str:
        """Decrypt it; raises tink.TinkError when it was sealed for another tenant or column."""
        return self._aead.decrypt(sealed, _bound(tenant_id, column)).decode()

    def index(self, tenant_id: UUID, column: str, text: str) -> bytes:
        """What equal values of a tenant's column share; nobody computes it without the key."""
        message = _bound(tenant_id, column) + b"\0" + text.encode()
        return hmac.digest(self._index_key, message, hashlib.sha256)


def new_keyset() -> str:
    """A fresh AES-256-GCM keyset as JSON; keep it as secret as the data."""
    aead.register()
    template = aead.aead_key_templates.AES256_GCM  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    handle = tink.new_keyset_handle(template)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return tink.json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)


def _bound(tenant_id: UUID, column: str) -> bytes:
    return f"{tenant_id}/{column}".encode()
