"""Randomness is an argument: one seed gives one stream per named purpose."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator for `purpose`, independent of every other purpose under the same `seed`.

    Adding a new consumer of randomness therefore never changes what the others draw.

    >>> a, b = generator(7, "split"), generator(7, "split")
    >>> bool(a.random() == b.random())
    True
    """
    digest = hashlib.sha256(purpose.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])


def lots(ids: Iterable[str]) -> NDArray[np.uint64]:
    """`uint64[n]`: a lot for each id, by a hash of it: to draw some of them by chance, the same in every run.

    Codes would not do: they follow the order of the ids, and change when a log grows.

    >>> one, other, again = lots(["tea", "jam", "tea"]).tolist()
    >>> one == again, one == other
    (True, False)
    """
    digests = (hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest() for name in ids)
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)
