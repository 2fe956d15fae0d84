"""`zhixing quickstart`."""


def quickstart() -> None:
    """Not there yet."""
    raise NotImplementedError
