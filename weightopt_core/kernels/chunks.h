/* How arrays are cut where numbers are made of them. Both show in the bits of sums. */
#ifndef WEIGHTOPT_CHUNKS_H
#define WEIGHTOPT_CHUNKS_H

/* Elements with a number of their own. */
#define CHUNK 4096
/* Running numbers inside a chunk: element i belongs to number i % LANES. */
#define LANES 16

#endif
