"""Measures sealing and opening against bare AES-256-GCM; run by hand."""

from __future__ import annotations

import secrets
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.vault.envelope import DataKey, SealContext, open_sealed, seal

ROUNDS = 7
CALLS = 5_000
SIZES = (64, 2_048, 16_384)
KEY = DataKey("dk_bench", secrets.token_bytes(32))
PLACE = SealContext("wks_bench", "credential", "conn_bench", "grant", 7)
AAD = b"the same place, as additional data"


def main() -> None:
    """Print calls per second and ratios; the contenders take turns, so that noise hits both."""
    print(f"median of {ROUNDS} rounds of {CALLS} calls, one core, calls per second")
    heads = ("bytes", "bare encrypt", "seal", "ratio", "bare decrypt", "open", "ratio")
    print("{:>7} {:>13} {:>9} {:>6} {:>13} {:>9} {:>6}".format(*heads))
    for size in SIZES:
        bare_seal, ours_seal, bare_open, ours_open = measure(contenders(secrets.token_bytes(size)))
        print(
            f"{size:>7} {bare_seal:>13,.0f} {ours_seal:>9,.0f} {ours_seal / bare_seal:>6.2f} "
            f"{bare_open:>13,.0f} {ours_open:>9,.0f} {ours_open / bare_open:>6.2f}"
        )


def contenders(plaintext: bytes) -> list[Callable[[], object]]:
    """Return bare encrypt, seal, bare decrypt and open for one value, each with a fresh cipher per call."""
    nonce = secrets.token_bytes(12)
    ciphertext = AESGCM(KEY.material).encrypt(nonce, plaintext, AAD)
    text = seal(KEY, PLACE, plaintext)
    return [
        lambda: AESGCM(KEY.material).encrypt(secrets.token_bytes(12), plaintext, AAD),
        lambda: seal(KEY, PLACE, plaintext),
        lambda: AESGCM(KEY.material).decrypt(nonce, ciphertext, AAD),
        lambda: open_sealed(KEY, PLACE, text),
    ]


def measure(acts: list[Callable[[], object]]) -> list[float]:
    """Return each act's median calls per second."""
    rates: list[list[float]] = [[] for _ in acts]
    for _ in range(ROUNDS):
        for act, found in zip(acts, rates, strict=True):
            begun = time.perf_counter()
            for _ in range(CALLS):
                act()
            found.append(CALLS / (time.perf_counter() - begun))
    return [statistics.median(found) for found in rates]


if __name__ == "__main__":
    main()
