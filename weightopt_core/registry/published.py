"""The algorithms that this project publishes, for the hint how to install one.

Generated from plugins/ by ``make sync``; the core knows no algorithm otherwise.
"""

PUBLISHED: dict[str, dict[str, str]] = {
    "weightopt.optimizers": {
        "adadelta": "weightopt-adadelta",
        "adagrad": "weightopt-adagrad",
        "adam": "weightopt-adam",
        "adamax": "weightopt-adamax",
        "adamw": "weightopt-adamw",
        "dcasgd": "weightopt-dcasgd",
        "ftrl": "weightopt-ftrl",
        "lamb": "weightopt-lamb",
        "lion": "weightopt-lion",
        "nadam": "weightopt-nadam",
        "nag": "weightopt-nag",
        "rmsprop": "weightopt-rmsprop",
        "sgd": "weightopt-sgd",
        "ccsgd": "weightopt-sgd",
        "sgld": "weightopt-sgld",
        "test": "weightopt-test",
    },
    "weightopt.initializers": {
        "bilinear": "weightopt-bilinear",
        "constant": "weightopt-constant",
        "fusedrnn": "weightopt-fusedrnn",
        "load": "weightopt-load",
        "lstmbias": "weightopt-lstmbias",
        "mixed": "weightopt-mixed",
        "msraprelu": "weightopt-msraprelu",
        "normal": "weightopt-normal",
        "one": "weightopt-one",
        "ones": "weightopt-one",
        "orthogonal": "weightopt-orthogonal",
        "uniform": "weightopt-uniform",
        "xavier": "weightopt-xavier",
        "zero": "weightopt-zero",
        "zeros": "weightopt-zero",
    },
    "weightopt.lr_schedulers": {
        "factor": "weightopt-factor",
        "multifactor": "weightopt-multifactor",
    },
}
