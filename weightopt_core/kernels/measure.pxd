from .elementwise cimport Kernel, Work

cdef list measure_work(Work *work, Kernel kernel, int threads)
