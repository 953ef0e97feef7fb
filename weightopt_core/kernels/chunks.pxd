# How arrays are cut where numbers are made of them; for modules of the core alone, because others
# have no header for it.
cdef extern from "chunks.h" nogil:
    enum:
        CHUNK
        LANES
