"""What hashlib has only of OpenSSL elsewhere: PBKDF2 (RFC 8018 section 5.2)."""

import hmac


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    if not isinstance(hash_name, str):
        raise TypeError(f'pbkdf2_hmac() argument \'hash_name\' must be str, not {type(hash_name).__name__}')
    password, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    if iterations < 1:
        raise ValueError('iteration value must be greater than 0.')
    prf = hmac.new(password, digestmod=hash_name)
    length = prf.digest_size if dklen is None else dklen
    if length < 1:
        raise ValueError('key length must be greater than 0.')

    def digest(message):
        one = prf.copy()
        one.update(message)
        return one.digest()

    key = b''
    for block in range(1, -(-length // prf.digest_size) + 1):
        last = digest(salt + block.to_bytes(4, 'big'))
        total = int.from_bytes(last, 'big')
        for _ in range(iterations - 1):
            last = digest(last)
            total ^= int.from_bytes(last, 'big')
        key += total.to_bytes(prf.digest_size, 'big')
    return key[:length]
