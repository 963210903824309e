"""A gallery that can be read only with a passphrase.

A random master key encrypts names, encodings, quality, sources, pictures and the names in the history, each alone,
by AES-256-GCM with a random nonce and with the place (gallery, table, row, column) as associated data, so that a value
moved to another row or another gallery is refused. The master key itself lies in the gallery, encrypted with a key
that scrypt makes of the passphrase and a random salt; unwrapping it also tells a wrong passphrase at once. Names are
found through a keyed hash (HMAC-SHA-256); the gallery's seal is keyed too, so that rows cannot be added or taken away
without the passphrase.

What a thief of the file still sees: how many people and encodings there are, when they came, how large the pictures
are, that something was renamed or removed. What a thief of an older copy can do: put it in the place of the newer one.

Losing the passphrase loses the gallery: there is no other way in.

Needs the `cryptography` library (extra "encryption"); a gallery without a passphrase does not.

Source: Percival 2009, Stronger Key Derivation via Sequential Memory-Hard Functions; NIST SP 800-38D (GCM);
parameters of scrypt from OWASP's Password Storage Cheat Sheet.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import unicodedata
from typing import Any, Protocol

from cnn_suite.runtime.faces.gallery_records import GalleryError

SCRYPT = {"n": 2**16, "r": 8, "p": 2}  # 64 MB and some tenths of a second for every guess
_MOST = {"n": 2**20, "r": 32, "p": 16}  # more in a file is an attack on the reader's memory
_NONCE, _SALT, _KEY = 12, 16, 32  # bytes
_WRAPPING = b"cnn_suite gallery master key"


class Cipher(Protocol):
    """What a gallery asks of the way its values are kept."""

    seal_key: bytes

    def close_up(self, data: bytes, place: str) -> bytes:
        """The data as it may lie in the file at that place."""

    def open_up(self, data: bytes, place: str) -> bytes:
        """The data again; GalleryError where it was never closed up for that place."""

    def lookup(self, name: str) -> bytes:
        """A number of 32 bytes by which the name is found."""


class NoCipher:
    """Values as they are, for a gallery without a passphrase."""

    seal_key = b""

    def close_up(self, data: bytes, place: str) -> bytes:
        """The data as it is."""
        return data

    def open_up(self, data: bytes, place: str) -> bytes:
        """The data as it is."""
        return data

    def lookup(self, name: str) -> bytes:
        """SHA-256 of the name."""
        return hashlib.sha256(name.encode()).digest()


class PassphraseCipher:
    """Values encrypted with a master key; made by `new_key_block` or `open_key_block`."""

    def __init__(self, master: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        # One key a purpose, as HKDF's expanding step does it.
        encryption, self._lookup_key, self.seal_key = (
            hmac.digest(master, purpose, "sha256") for purpose in (b"encrypt", b"lookup", b"seal")
        )
        self._aead = AESGCM(encryption)

    def close_up(self, data: bytes, place: str) -> bytes:
        """The data encrypted for one place in the gallery."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data, place.encode())

    def open_up(self, data: bytes, place: str) -> bytes:
        """The data again.

        Raises:
            GalleryError: If it was changed, or encrypted for another place.
        """
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(data[:_NONCE], data[_NONCE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise GalleryError(f"The gallery is damaged: {place} was changed or moved after encryption.") from error

    def lookup(self, name: str) -> bytes:
        """HMAC-SHA-256 of the name."""
        return hmac.digest(self._lookup_key, name.encode(), "sha256")


def new_key_block(passphrase: str) -> tuple[bytes, PassphraseCipher]:
    """A new master key, and the block that gives it back to whoever knows the passphrase.

    Raises:
        GalleryError: If the passphrase is empty or `cryptography` is missing.
    """
    return _wrapped(os.urandom(_KEY), passphrase)


def open_key_block(block: bytes, passphrase: str) -> PassphraseCipher:
    """The cipher of an encrypted gallery.

    Raises:
        GalleryError: If the passphrase is wrong, the block damaged, or `cryptography` is missing.
    """
    return PassphraseCipher(_unwrapped(block, passphrase))


def changed_key_block(block: bytes, old: str, new: str) -> bytes:
    """The block for another passphrase; nothing else in the gallery has to be written again.

    Whoever has an older copy of the file and the old passphrase can still read both: to shut them out, enrol into a
    new gallery.

    Raises:
        GalleryError: As `open_key_block` and `new_key_block`.
    """
    return _wrapped(_unwrapped(block, old), new)[0]


def require_library() -> Any:
    """The library's AES-GCM.

    Raises:
        GalleryError: If the library is not installed.
    """
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise GalleryError(
            "An encrypted gallery needs the `cryptography` library. Install it: pip install 'cnn_suite[encryption]'."
        ) from error
    return AESGCM


def _wrapped(master: bytes, passphrase: str) -> tuple[bytes, PassphraseCipher]:
    aead = require_library()
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    wrapped = aead(_derived(passphrase, salt, SCRYPT)).encrypt(nonce, master, _WRAPPING)
    text = json.dumps({"kdf": "scrypt", **SCRYPT, "salt": salt.hex(), "master": (nonce + wrapped).hex()}).encode()
    return _digest(text) + text, PassphraseCipher(master)


def _unwrapped(block: bytes, passphrase: str) -> bytes:
    aead = require_library()
    from cryptography.exceptions import InvalidTag

    text = block[len(_digest(b"")) :]
    if _digest(text) != block[: len(_digest(b""))]:  # told apart from a wrong passphrase
        raise GalleryError("The gallery is damaged: its encrypted key was changed. Restore a backup.")
    try:
        values = json.loads(text)
        numbers = {name: int(values[name]) for name in SCRYPT}
        salt, wrapped = bytes.fromhex(values["salt"]), bytes.fromhex(values["master"])
    except (KeyError, TypeError, ValueError) as error:
        raise GalleryError(f"The gallery's encrypted key cannot be read: {error!r:.100}.") from error
    if values.get("kdf") != "scrypt" or any(not 1 <= numbers[name] <= _MOST[name] for name in numbers):
        kind = f"{values.get('kdf')!r:.20} {numbers}"
        raise GalleryError(f"The gallery's key must be made by scrypt with at most {_MOST}. Received {kind}.")
    try:
        return aead(_derived(passphrase, salt, numbers)).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _WRAPPING)
    except InvalidTag as error:
        raise GalleryError("The passphrase is wrong. The gallery was left as it is.") from error
    except ValueError as error:
        raise GalleryError(f"The gallery's encrypted key cannot be used: {error}.") from error


def _derived(passphrase: str, salt: bytes, numbers: dict[str, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # One spelling of an accented letter, whatever keyboard it came from.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    return Scrypt(salt=salt, length=_KEY, **numbers).derive(secret)


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
