# What ctext/abi.h says. Apart from driver.pxd, so that modules of others, which cimport
# loops.pxd and with it driver.pxd, need no header.

cdef extern from "abi.h":
    enum:
        MAX_ARRAYS "WEIGHTOPT_MAX_ARRAYS"
        MAX_REDUCTIONS "WEIGHTOPT_MAX_REDUCTIONS"
    const int ABI "WEIGHTOPT_ABI"
    const char *CAPSULE "WEIGHTOPT_CAPSULE"
