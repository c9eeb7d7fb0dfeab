"""Opens every stored key of a vault with another implementation (OpenSSL's AES-256-GCM-SIV and
HKDF), from the documented format alone: the page of the crate keyway-vault-crypto.

Arguments: the vault's SQLite file and its master key file. Standard input: JSON, the secrets that
must come out by their full names. Ends with an error at the first that does not, and at one that
opens in the place of another.
"""

import base64
import json
import sqlite3
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def key_id(envelope: bytes) -> bytes:
    if envelope[:5] != b"KWE\x01\x01":
        sys.exit("not an envelope of version 1, algorithm 1")
    return envelope[6 : 6 + envelope[5]]


def opened(key: bytes, fields: list[bytes], envelope: bytes) -> bytes | None:
    context = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    rest = envelope[6 + envelope[5] :]
    salt, commitment, nonce = rest[:32], rest[32:64], rest[64:76]
    sealed = rest[78:]
    if len(sealed) != int.from_bytes(rest[76:78], "big"):
        sys.exit("the length is not that of what follows")
    derived = HKDF(hashes.SHA256(), 64, salt, context).derive(key)
    if derived[32:] != commitment:
        return None
    try:
        return AESGCMSIV(derived[:32]).decrypt(nonce, sealed, context)
    except InvalidTag:
        return None


def main() -> None:
    database, master_file = sys.argv[1:]
    text = open(master_file, encoding="ascii").read().strip()
    master = base64.b64decode(text.removeprefix("keyway-master-v1:"), validate=True)
    expected = json.load(sys.stdin)
    rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    algorithm = b"\x01"
    data_keys = {}
    for identity, owner, generation, wrapped in rows.execute(
        "SELECT id, owner, generation, wrapped FROM data_keys"
    ):
        fields = [b"keyway/data-key/v1", algorithm, owner.encode(), identity.encode()]
        fields += [number(generation), key_id(wrapped)]
        data_keys[identity] = opened(master, fields, wrapped)
        if data_keys[identity] is None:
            sys.exit(f"data key {identity} does not unwrap")
    for owner, provider, name, row_id, version, data_key, envelope in rows.execute(
        "SELECT owner, provider, name, row_id, version, data_key_id, envelope"
        " FROM keys WHERE deleted_at IS NULL"
    ):
        def place(provider: str) -> list[bytes]:
            texts = [owner, provider, name, row_id]
            bound = [b"keyway/secret/v1", algorithm] + [text.encode() for text in texts]
            return bound + [number(version), data_key.encode()]

        full = f"{owner}/keys/{provider}/{name}"
        secret = opened(data_keys[data_key], place(provider), envelope)
        wanted = expected.pop(full, None)
        if secret is None or (wanted is not None and secret != wanted.encode()):
            sys.exit(f"{full} does not come out as it was stored")
        if opened(data_keys[data_key], place("another"), envelope) is not None:
            sys.exit(f"{full} opens in another place")
    if expected:
        sys.exit(f"not there: {sorted(expected)}")
    print(f"{len(data_keys)} data keys unwrapped")


main()
