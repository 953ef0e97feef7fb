"""The words that NumPy's `SeedSequence` makes of its entropy: keys of streams of random numbers.

Design
------
a) NumPy's own takes ten times as long as the step of a small weight, and a noisy step of many
   weights needs a key for each. The algorithm is one that NumPy promises not to change.
b) All is arithmetic modulo 2**32 on single words, so that neither the order of bytes of a machine
   nor its word length shows.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    POOL = 4
    WORD = 4  # bytes of a word

cdef struct Hash:
    uint32_t constant
    uint32_t factor


cdef inline uint32_t hashed(Hash *hash, uint32_t word) noexcept nogil:
    word ^= hash.constant
    hash.constant *= hash.factor
    word *= hash.constant
    return word ^ (word >> 16)


cdef inline uint32_t mixed(uint32_t one, uint32_t other) noexcept nogil:
    cdef uint32_t word = <uint32_t>0xca01f9dd * one - <uint32_t>0x4973f715 * other
    return word ^ (word >> 16)


cdef inline uint32_t word_at(const unsigned char[::1] entropy, Py_ssize_t i) noexcept nogil:
    """Return the word `i`, of little end, or 0 after the last one."""
    cdef uint32_t word = 0
    cdef Py_ssize_t at = WORD * i, byte
    for byte in range(min(<Py_ssize_t>WORD, entropy.shape[0] - at)):
        word |= <uint32_t>entropy[at + byte] << (8 * byte)
    return word


cpdef tuple key_of(const unsigned char[::1] entropy):
    """Return two integers in [0, 2**64), as ``SeedSequence(...).generate_state(2, np.uint64)``.

    Parameters
    ----------
    entropy : bytes
        Words of 32 bits, of little end: what NumPy assembles of a seed and a key to spawn by.
    """
    cdef Hash hash = Hash(<uint32_t>0x43b0d7e5, <uint32_t>0x931e8875)
    cdef Hash out = Hash(<uint32_t>0x8b51f9dd, <uint32_t>0x58f38ded)
    cdef uint32_t[POOL] pool
    cdef Py_ssize_t source, target
    cdef Py_ssize_t words = (entropy.shape[0] + WORD - 1) // WORD
    for target in range(POOL):
        pool[target] = hashed(&hash, word_at(entropy, target))
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                pool[target] = mixed(pool[target], hashed(&hash, pool[source]))
    for source in range(POOL, words):
        for target in range(POOL):
            pool[target] = mixed(pool[target], hashed(&hash, word_at(entropy, source)))
    for target in range(POOL):
        pool[target] = hashed(&out, pool[target])
    return (
        pool[0] | <uint64_t>pool[1] << 32,
        pool[2] | <uint64_t>pool[3] << 32,
    )
