"""Opens what the vault sealed, from the documented format alone (the page of the crate
keyway-vault-crypto), with another implementation: OpenSSL's AES-256-GCM-SIV and HKDF.

Standard input: JSON lines, each with `key` (the 32 bytes that open it, hex), `context` (the fields
that are bound, in order, each hex), `envelope` (hex) and `plaintext` (hex, or null where it must not
open). Ends with an error at the first that is not so.
"""

import json
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def opened(key: bytes, fields: list[bytes], envelope: bytes) -> bytes | None:
    context = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    if envelope[:5] != b"KWE\x01\x01":
        return None
    at = 6 + envelope[5]
    salt, commitment = envelope[at : at + 32], envelope[at + 32 : at + 64]
    nonce, length = envelope[at + 64 : at + 76], envelope[at + 76 : at + 78]
    sealed = envelope[at + 78 :]
    if len(sealed) != int.from_bytes(length, "big"):
        return None
    derived = HKDF(hashes.SHA256(), 64, salt, context).derive(key)
    if derived[32:] != commitment:
        return None
    try:
        return AESGCMSIV(derived[:32]).decrypt(nonce, sealed, context)
    except InvalidTag:
        return None


def main() -> None:
    count = 0
    for line in sys.stdin:
        case = json.loads(line)
        fields = [bytes.fromhex(field) for field in case["context"]]
        found = opened(bytes.fromhex(case["key"]), fields, bytes.fromhex(case["envelope"]))
        wanted = case["plaintext"]
        if found != (None if wanted is None else bytes.fromhex(wanted)):
            sys.exit(f"case {count}: {case['what']} did not come out as it must")
        count += 1
    print(f"{count} envelopes")


main()
