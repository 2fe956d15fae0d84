from zhixing.core import errors


def test_exit_codes_are_those_that_the_command_line_promises() -> None:
    family = {e.__name__: e.exit_code for e in _family(errors.ZhixingError)}
    assert family == {
        "ZhixingError": 1, "UsageError": 3, "ConfigError": 3, "DataError": 1, "CheckpointError": 1,
        "UnsupportedError": 1, "MissingExtraError": 1, "GateError": 2, "InterruptedRunError": 130,
    }  # fmt: skip


def test_the_family_drawn_in_the_docstring_is_the_family() -> None:
    drawn = {word for word in (errors.__doc__ or "").split() if word.endswith("Error")}
    assert drawn == {error.__name__ for error in _family(errors.ZhixingError)}


def test_a_missing_library_is_named_with_the_command_that_installs_it() -> None:
    message = str(errors.MissingExtraError("pyarrow", "data", "reading parquet"))
    assert "reading parquet needs the library 'pyarrow'" in message
    assert message.endswith("pip install 'zhixing[data]'")


def _family(error: type[errors.ZhixingError]) -> list[type[errors.ZhixingError]]:
    # Other floors may add their own; the drawing is of those that live here.
    below = [e for child in error.__subclasses__() for e in _family(child)]
    return [e for e in (error, *below) if e.__module__ == errors.__name__]
