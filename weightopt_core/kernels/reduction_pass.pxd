from .driver cimport Kernel, Work

cdef list measure_work(Work *work, Kernel kernel, int threads, const double[:, ::1] scales)
