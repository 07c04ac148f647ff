"""The Chinese national algorithms: SM2 keys (GB/T 32918), SM3 hashes (GB/T 32905), SM4 encryption (GB/T 32907)."""

from __future__ import annotations

import functools

import gmalg
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SM3, Hash

SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


@functools.cache  # pure Python takes 25 ms, and stacks that read each other are planned more than once in one process
def sm2_public(private: bytes) -> bytes:
    """The public half of an SM2 key: x and y of the point, 64 bytes.

    Args:
        private: The scalar, 32 bytes, from 1 to the order less 1.
    """
    uncompressed: bytes = gmalg.SM2().generate_pk(private)
    return uncompressed[1:]


def sm3(data: bytes) -> bytes:
    """The SM3 hash, 32 bytes."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def sm4_cfb(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt with SM4 in the CFB mode of 128 bits.

    Args:
        key: 16 bytes.
        iv: 16 bytes.
        data: Of any length, which the result has, too.
    """
    encryptor = Cipher(SM4(key), CFB(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def sm4_cfb_opened(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt what `sm4_cfb` encrypted with the same key and iv."""
    decryptor = Cipher(SM4(key), CFB(iv)).decryptor()
    return decryptor.update(data) + decryptor.finalize()
