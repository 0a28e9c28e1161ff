"""The vault of a process and the pay links it may send, as the settings say."""

from models.pay_link import PayLinks
from models.vault import Vault
from runtime.settings import Settings


def vault_of(settings: Settings) -> Vault:
    """The vault of personal data, with the keys of this house."""
    return Vault(settings.keys.keyset_json(), settings.keys.blind_index_bytes())


def pay_links_of(settings: Settings) -> PayLinks:
    """Pay links at our public address; without one nobody is sent a link."""
    return PayLinks(settings.api.public_base_url or "", vault_of(settings))
