"""
A learning rate that goes up, stays, and comes down
===================================================

A schedule is a function of the number of updates. Schedules are put together from others, and
none of them keeps a state: it can be asked about any update.
"""

import weightopt as wo
from matplotlib import pyplot as plt

# %%
# Half a cosine, with a warm-up before it, and a rate that stays level for long:

cosine = wo.lr_scheduler.create("cosine", max_update=1000, base_lr=0.1)
schedules = {
    "cosine": cosine,
    "warm-up and cosine": wo.lr_scheduler.create("warmup", schedule=cosine, warmup_steps=100),
    "warm-up, level, decay": wo.lr_scheduler.create(
        "wsd", max_update=1000, decay_steps=200, warmup_steps=100, base_lr=0.1
    ),
}

_, axis = plt.subplots(figsize=(7, 3.5))
for name, schedule in schedules.items():
    axis.plot([schedule(n) for n in range(1, 1001)], label=name)
axis.set(xlabel="update", ylabel="learning rate")
axis.legend(frameon=False)
plt.show()

# %%
# An optimizer asks its schedule at every update; a resumed run needs nothing but the count:

optimizer = wo.optimizer.create("adam", lr_scheduler=schedules["warm-up and cosine"])
print([round(optimizer.lr_scheduler(n), 4) for n in (1, 100, 550, 1000)])
