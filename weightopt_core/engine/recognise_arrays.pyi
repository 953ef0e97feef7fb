# All of it is for Cython: recognise_arrays.pxd.
