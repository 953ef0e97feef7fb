# All of it is for Cython: numpy_fields.pxd.
