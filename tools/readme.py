"""The README as a package index shows it: with links and pictures that lead to the repository."""

import re

#: Begins a link or a picture that is relative, and no heading of the same page.
_LINK = re.compile(r"\]\((?![a-z]+:|#)")
_PICTURE = re.compile(r'src="(?![a-z]+:)')


def linked(text: str, repository: str | None, version: str) -> str:
    """Return the text with its relative links led to the repository, as it is at this version.

    Parameters
    ----------
    text : str
        The README; links that led to another version of the repository are renewed.
    repository : str or None
        What pyproject.toml names as ``Repository`` among its URLs. Without one nothing changes.
    version : str
        That of the tag, without its ``v``.
    """
    if not repository:
        return text
    base = repository.rstrip("/")
    text = re.sub(rf"{re.escape(base)}/(?:blob|raw)/v[^/\s]+/", "", text)
    text = _LINK.sub(f"]({base}/blob/v{version}/", text)
    return _PICTURE.sub(f'src="{base}/raw/v{version}/', text)
