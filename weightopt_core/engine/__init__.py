"""What makes a repeated step cheap: what is known of it is recognised, and only the rest is done.

A step goes through these modules, in this order.

- `index_groups`: the indices of a call of `update`, put into groups that have equal multipliers and
  counts; and the turn, which counts the update in one piece.
- `update_counts`: the counts that a turn reads and changes, in one C array.
- `constants`: the constants of the rule, evaluated once for each group, and those that settings
  alone decide only when one of the settings is another object.
- `recognise_arrays`: whether the arrays are those of the last step, by fields of NumPy's;
  `recognise_objects` does it for arrays that keep their fields as attributes, such as pyopencl's.
- `bound_arrays`: where the arrays are, checked; `numpy_fields` reads what NumPy knows of them.
- `stepping`: a step of a call, again by what is bound to it, or bound anew.
- `compiled_step`: compares, counts and computes, with nothing in between; `launching` does the same
  for what is launched on a device.

Modules here know kernels, and nothing of optimizers, rules and backends but what they are given.
"""
