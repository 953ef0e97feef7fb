"""Five runs in which a machine with a server is lost: ``node_loss.py FOLDER`` prints their ends."""

import json
import os
import sys
import time

import ray
from ray.cluster_utils import Cluster
from ray_jobs import alone, small, start

import weightopt_core as wo

ROUNDS, RUNS = 40, 5


def main(folder):
    os.environ["RAY_AUTH_MODE"] = "disabled"  # nodes of a cluster of tests share no token
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 2,
            "object_store_memory": 100 << 20,
            "include_dashboard": False,
            "_system_config": {
                "health_check_initial_delay_ms": 0,
                "health_check_period_ms": 300,
                "health_check_failure_threshold": 3,
            },
        },
    )

    def machine():
        return cluster.add_node(num_cpus=1, resources={"server": 1}, object_store_memory=80 << 20)

    nodes = [machine(), machine()]
    ray.init(address=cluster.address, log_to_driver=False)
    runs = []
    for number in range(RUNS):
        path = os.path.join(folder, str(number))
        store = wo.kvstore.create(
            "ray",
            num_servers=2,
            num_workers=2,
            folder=path,
            durable=True,
            checkpoint_every=5,
            options={"resources": {"server": 0.001}},
        )
        jobs = start(store, small(), "adam", ROUNDS, 0.05)
        time.sleep(1.5)
        begin = time.monotonic()
        cluster.remove_node(nodes.pop(0), allow_graceful=False)
        nodes.append(machine())
        found = ray.get(jobs)
        expected = alone(small(), "adam", ROUNDS, 2)
        equal = all(
            (one == other).all() for weights, _ in found for one, other in zip(weights, expected)
        )
        lost = sum(report.lost for _, report in found)
        runs.append({"lost": lost, "equal": bool(equal), "seconds": time.monotonic() - begin})
        store.close()
    print(json.dumps(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
