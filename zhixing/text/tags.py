"""Which languages the functions of this package can handle, and the error that the others get."""

from zhixing.core.errors import UnsupportedError

SUPPORTED = ("en", "zh")


def require_supported(language: str, purpose: str) -> str:
    """The primary subtag of a BCP 47 tag (`zh-Hant` -> `zh`); UnsupportedError unless English or Chinese."""
    primary = language.replace("_", "-").split("-", 1)[0].lower()
    if primary not in SUPPORTED:
        raise UnsupportedError(
            f"{purpose} is not available for language {language!r}; "
            f"it is available for {' and '.join(SUPPORTED)} (and tags such as en-GB, zh-Hant)"
        )
    return primary
