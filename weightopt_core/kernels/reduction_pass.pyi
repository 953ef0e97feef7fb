# All of it is for Cython: reduction_pass.pxd.
