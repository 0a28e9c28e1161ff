"""Personal data at rest: readable with the key, in its own column, for its own tenant alone."""

import json
from uuid import UUID

import pytest
import tink

from models.vault import Vault, new_keyset

OURS, THEIRS = UUID(int=1), UUID(int=2)
INDEX_KEY = b"k" * 32
PAN = "ABCDE1234F"


@pytest.fixture
def vault() -> Vault:
    """A vault with a fresh keyset."""
    return Vault(new_keyset(), INDEX_KEY)


def test_what_was_sealed_opens_again(vault: Vault) -> None:
    """Any text, also an empty one and one in another script."""
    for text in (PAN, "", "आधार", "x" * 10_000):
        assert vault.open(OURS, "pan", vault.seal(OURS, "pan", text)) == text


def test_a_seal_shows_nothing_and_is_never_the_same(vault: Vault) -> None:
    """Two seals of one value differ, so equal values cannot be seen."""
    first, second = vault.seal(OURS, "pan", PAN), vault.seal(OURS, "pan", PAN)
    assert PAN.encode() not in first
    assert first != second


def test_a_seal_moved_to_another_tenant_or_column_does_not_open(vault: Vault) -> None:
    """Both are bound into it: a row copied elsewhere is worthless."""
    sealed = vault.seal(OURS, "pan", PAN)
    for tenant, column in ((THEIRS, "pan"), (OURS, "aadhaar"), (THEIRS, "aadhaar")):
        with pytest.raises(tink.TinkError):
            vault.open(tenant, column, sealed)


def test_a_seal_that_was_touched_does_not_open(vault: Vault) -> None:
    """Every byte counts."""
    sealed = vault.seal(OURS, "pan", PAN)
    for place in range(len(sealed)):
        touched = bytearray(sealed)
        touched[place] ^= 1
        with pytest.raises(tink.TinkError):
            vault.open(OURS, "pan", bytes(touched))


def test_another_keyset_opens_nothing(vault: Vault) -> None:
    """Each house has its own."""
    with pytest.raises(tink.TinkError):
        Vault(new_keyset(), INDEX_KEY).open(OURS, "pan", vault.seal(OURS, "pan", PAN))


def test_equal_values_are_found_within_a_column_of_a_tenant(vault: Vault) -> None:
    """The index is the same for the same value there, and nowhere else."""
    index = vault.index(OURS, "pan", PAN)
    assert vault.index(OURS, "pan", PAN) == index
    assert len(index) == 32
    others = {
        vault.index(OURS, "pan", "ABCDE1234G"),
        vault.index(THEIRS, "pan", PAN),
        vault.index(OURS, "aadhaar", PAN),
        Vault(new_keyset(), b"other" * 8).index(OURS, "pan", PAN),
    }
    assert len(others | {index}) == 5


def test_an_index_does_not_depend_on_the_keyset() -> None:
    """Rotating the keys that seal leaves everything findable."""
    first, second = Vault(new_keyset(), INDEX_KEY), Vault(new_keyset(), INDEX_KEY)
    assert first.index(OURS, "pan", PAN) == second.index(OURS, "pan", PAN)


def test_a_short_index_key_is_refused() -> None:
    """Fewer than 32 bytes could be guessed."""
    with pytest.raises(ValueError, match="31 bytes, 32 are asked"):
        Vault(new_keyset(), b"k" * 31)


def test_a_new_keyset_is_aes_256_gcm_and_never_the_same() -> None:
    """One enabled key of the declared kind."""
    keyset = json.loads(new_keyset())
    (key,) = keyset["key"]
    assert key["keyData"]["typeUrl"].endswith("AesGcmKey")
    assert (key["status"], keyset["primaryKeyId"]) == ("ENABLED", key["keyId"])
    assert new_keyset() != new_keyset()
