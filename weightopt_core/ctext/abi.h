/* What compiled rules and the core agree on. Cython modules include this; ctext reads the lines. */
#ifndef WEIGHTOPT_ABI_H
#define WEIGHTOPT_ABI_H

/* Changes whenever equal rules would be lowered to other text or called in another way. */
#define WEIGHTOPT_ABI 3

/* The name of the capsule that holds one function of a rule. */
#define WEIGHTOPT_CAPSULE "weightopt.{kind}.{dtype}.{abi}"

/* Arrays that one rule takes, at most: weight, gradient, states and noise. */
#define WEIGHTOPT_MAX_ARRAYS 15

/* Norms and other numbers of whole arrays that one rule takes, at most. */
#define WEIGHTOPT_MAX_REDUCTIONS 8

#endif
