"""The algorithms that this project publishes, for the hint how to install one.

Generated from plugins/ by ``make scaffold``; the core knows no algorithm otherwise.
"""

PUBLISHED: dict[str, dict[str, str]] = {}
