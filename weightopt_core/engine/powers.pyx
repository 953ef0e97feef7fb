"""Powers of numbers by integers, with the same bits on every machine.

Design
------
- ``powers.h`` multiplies. Here is what Python's operator does beside that: the kinds of numbers,
  and its errors.
- What is no power of a float by an integer is left to the operator: its result is the C library's.
"""

from libc.stdint cimport uint64_t

cdef extern from "Python.h":
    long long as_integer "PyLong_AsLongLongAndOverflow"(object number, int *overflow) except? -1

cdef extern from "powers.h" nogil:
    double weightopt_power(double base, uint64_t exponent, int inverse)

#: From it on all powers are 0, 1 or infinite.
cdef uint64_t LARGEST = 2**64 - 2


cpdef object power(object base, object exponent):
    """Return ``base**exponent``, by multiplications where the exponent is an integer.

    Numbers of Python are multiplied in one order, and the bits of the result are the same on every
    machine; of two integers it is exact. With an exponent that is not integral, and for arrays, it
    is what the operator ``**`` gives. It raises what that raises.

    Parameters
    ----------
    base : int, float or array
    exponent : int, float or array
        An integral float counts as an integer.

    Examples
    --------
    >>> from weightopt_core.rule import power
    >>> power(0.5, 3), power(0.5, 3.0), power(2, 3), power(4.0, 0.5)
    (0.125, 0.125, 8, 2.0)
    """
    if type(base) is float and type(exponent) is int:
        return multiplied(base, exponent)
    if not isinstance(base, (int, float)) or not isinstance(exponent, (int, float)):
        return base**exponent
    if isinstance(exponent, int):
        if isinstance(base, int) and exponent >= 0:
            return base**exponent
    elif not exponent.is_integer():
        return base**exponent
    return multiplied(float(base), int(exponent))


cdef object multiplied(double base, object exponent):
    """Return the power of a float, or raise what Python's operator raises."""
    cdef int overflow
    cdef long long number = as_integer(exponent, &overflow)
    cdef bint inverse = overflow < 0 if overflow else number < 0
    cdef uint64_t size = <uint64_t>number
    cdef double made
    if inverse and base == 0:
        raise ZeroDivisionError("0.0 cannot be raised to a negative power")
    if overflow:
        size = LARGEST + <uint64_t>(exponent % 2)
    elif inverse:
        size = 0 - size
    made = weightopt_power(base, size, inverse)
    if is_infinite(made) and not is_infinite(base):
        raise OverflowError(34, "Numerical result out of range")
    return made


cdef inline bint is_infinite(double value) noexcept:
    return value - value != 0 and value == value
