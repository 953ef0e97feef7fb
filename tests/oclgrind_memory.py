"""A pytest plugin that works around what Oclgrind does not know of initialised memory.

Oclgrind 21.10 takes memory for uninitialised that was filled, that the host wrote as a part of a
buffer, or that lies where a freed buffer lay; and everything that is computed from it. So kernels
write what the host writes, and no buffer is freed.
"""

import functools

import numpy as np
import pyopencl as cl

PUT = """
__kernel void put(__global const uchar *from, __global uchar *to, ulong begin, ulong start)
{
    to[start + get_global_id(0)] = from[begin + get_global_id(0)];
}
"""
READ_WRITE = cl.mem_flags.READ_WRITE
transfer = cl.enqueue_copy
kept = []


class Buffer(cl.Buffer):
    """A buffer that stays."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        kept.append(self)


@functools.cache
def put_of(context):
    return cl.Program(context, PUT).build().put


def enqueue_copy(
    queue, dest, src, *, src_offset=0, dst_offset=0, byte_count=0, wait_for=None, **options
):
    """Do what the function of this name in pyopencl does; to a buffer by a kernel."""
    if not isinstance(dest, cl.MemoryObjectHolder):
        return transfer(queue, dest, src, src_offset=src_offset, wait_for=wait_for, **options)
    if isinstance(src, np.ndarray):
        src, host, byte_count = Buffer(queue.context, READ_WRITE, src.nbytes), src, src.nbytes
        transfer(queue, src, host)
    put, numbers = put_of(queue.context), (np.uint64(src_offset), np.uint64(dst_offset))
    done = put(queue, (byte_count,), None, src, dest, *numbers, wait_for=wait_for)
    done.wait()
    return done


def enqueue_fill_buffer(queue, mem, pattern, offset, size, wait_for=None):
    """Do what the function of this name in pyopencl does."""
    words = np.full(size // pattern.itemsize, pattern)
    return enqueue_copy(queue, mem, words, dst_offset=offset, wait_for=wait_for)


cl.Buffer = Buffer
cl.enqueue_copy = enqueue_copy
cl.enqueue_fill_buffer = enqueue_fill_buffer
