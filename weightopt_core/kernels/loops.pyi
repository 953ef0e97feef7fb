# All of it is for Cython: loops.pxd.
