"""The packages of plugins as text: the files that all of them share, and a whole new one."""

from .package import GROUPS, Package, read

__all__ = ["GROUPS", "Package", "read"]
