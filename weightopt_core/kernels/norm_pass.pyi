# All of it is for Cython: norm_pass.pxd.
