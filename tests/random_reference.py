"""The normal numbers of random.h in NumPy operations, which no compiler reorders or contracts."""

import numpy as np


def normal_float32(words):
    """Return the value of each 32-bit word."""
    upper = words >> 31 == 1
    low = np.where(upper, ~words, words)
    p, q = _middle32(low), _middle32(low ^ np.uint32(2**31 - 1))
    centre = _ratio(0.180625 - q * q, CENTRE_7, q)
    tail = _ratio(np.sqrt(_minus_log32(p)) - 1.6, TAIL_7)
    size = np.where(q > 0.425, tail, centre)
    return np.where(upper, size, -size)


def normal_float64(words):
    """Return the value of each 64-bit word."""
    upper = words >> 63 == 1
    low = np.where(upper, ~words, words)
    p, q = _middle64(low), _middle64(low ^ np.uint64(2**63 - 1))
    root = np.sqrt(_minus_log64(p))
    centre = _ratio(0.180625 - q * q, CENTRE_16, q)
    tail = np.where(root > 5.0, _ratio(root - 5.0, FAR_16), _ratio(root - 1.6, NEAR_16))
    size = np.where(q > 0.425, tail, centre)
    return np.where(upper, size, -size)


def _horner(x, first, *others):
    for other in others:
        first = first * x + other
    return first


def _ratio(x, coefficients, factor=1.0):
    top, bottom = coefficients
    return factor * _horner(x, *top) / _horner(x, *bottom)


def _middle32(integer):
    return (integer.astype(np.float32) + 0.5) * 2.0**-32


def _middle64(integer):
    high, low = (integer >> 32).astype(np.float64), (integer & 0xFFFFFFFF).astype(np.float64)
    return high * 2.0**-32 + (low + 0.5) * 2.0**-64


def _halved(p):
    """Split `p` into a number in [sqrt(1/2), sqrt(2)) and how often that was halved."""
    mantissa, exponent = np.frexp(p)
    small = mantissa < p.dtype.type(np.sqrt(0.5))
    return np.where(small, 2 * mantissa, mantissa), (small - exponent).astype(p.dtype)


def _minus_log32(p):
    mantissa, halvings = _halved(p)
    x = mantissa - 1.0
    z = x * x
    y = _horner(x, *LOG_7) * x * z + 2.12194440e-4 * halvings - 0.5 * z
    return 0.693359375 * halvings - (x + y)


def _minus_log64(p):
    mantissa, halvings = _halved(p)
    x = mantissa - 1.0
    z = x * x
    y = x * (z * _horner(x, *LOG_16[0]) / _horner(x, *LOG_16[1]))
    y = y + 2.121944400546905827679e-4 * halvings - 0.5 * z
    return 0.693359375 * halvings - (x + y)


# fmt: off
LOG_7 = [
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]
CENTRE_7 = (
    [5.9109374720e1, 1.5929113202e2, 5.0434271938e1, 3.3871327179],
    [6.7187563600e1, 7.8757757664e1, 1.7895169469e1, 1.0],
)
TAIL_7 = (
    [1.7023821103e-1, 1.3067284816, 2.7568153900, 1.4234372777],
    [1.2021132975e-1, 7.3700164250e-1, 1.0],
)
LOG_16 = (
    [
        1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854e0,
        1.44989225341610930846e1, 1.79368678507819816313e1, 7.70838733755885391666e0,
    ],
    [
        1.0, 1.12873587189167450590e1, 4.52279145837532221105e1, 8.29875266912776603211e1,
        7.11544750618563894466e1, 2.31251620126765340583e1,
    ],
)
CENTRE_16 = (
    [
        2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
        4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080e0,
    ],
    [
        5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
        2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
        4.2313330701600911252e1, 1.0,
    ],
)
NEAR_16 = (
    [
        7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
        1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
        4.63033784615654529590e0, 1.42343711074968357734e0,
    ],
    [
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
        1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
        2.05319162663775882187e0, 1.0,
    ],
)
FAR_16 = (
    [
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
        2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
        5.46378491116411436990e0, 6.65790464350110377720e0,
    ],
    [
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
        7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
        5.99832206555887937690e-1, 1.0,
    ],
)
