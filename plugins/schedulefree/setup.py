from setuptools import setup

from weightopt_core.build import compiled_rules

setup(**compiled_rules())
