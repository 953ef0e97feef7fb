"""Five runs in which a machine with a server is lost: ``node_loss.py FOLDER`` writes their ends."""

import json
import os
import sys
import time
from pathlib import Path

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
        for _ in range(5):  # to start one takes long where processors do other things too
            try:
                return cluster.add_node(
                    num_cpus=1, resources={"server": 1}, object_store_memory=80 << 20
                )
            except Exception as error:
                print(error, file=sys.stderr)
        raise SystemExit("no machine starts")

    nodes = [machine(), machine(), machine()]
    ray.init(address=cluster.address, log_to_driver=False)
    runs = []
    for number in range(RUNS):
        store = wo.kvstore.create(
            "ray",
            num_servers=2,
            num_workers=2,
            folder=os.path.join(folder, str(number)),
            durable=True,
            checkpoint_every=5,
            options={"resources": {"server": 0.001}},
        )
        jobs = start(store, small(), "adam", ROUNDS, 0.05)
        lost, _ = ray.get(store._actors[number % 2].place.remote())
        time.sleep(1.0)
        begin = time.monotonic()
        (node,) = (node for node in nodes if node.node_id == lost)
        nodes.remove(node)
        cluster.remove_node(node, allow_graceful=False)
        there = None
        while there in (None, lost):  # the server that has come back says where it is
            try:
                there, _ = ray.get(store._actors[number % 2].place.remote(), timeout=60)
            except ray.exceptions.RayError:
                time.sleep(0.05)
        back = time.monotonic() - begin
        found = ray.get(jobs)
        expected = alone(small(), "adam", ROUNDS, 2)
        equal = all(
            (one == other).all() for weights, _ in found for one, other in zip(weights, expected)
        )
        missing = sum(report.lost for _, report in found)
        runs.append({"lost": missing, "equal": bool(equal), "back": round(back, 1)})
        print(runs[-1], file=sys.stderr)
        store.close()
        nodes.append(machine())
    # Into a file, for Ray writes on the standard output too.
    Path(folder, "runs.json").write_text(json.dumps(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
