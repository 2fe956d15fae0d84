"""Chat templates: Jinja text that lies in a model folder and writes a conversation as one text.

A template is a program from someone else, so it runs in Jinja's immutable sandbox (no attribute that begins with an
underscore, no change to what it is given) with what the sandbox lacks: a limit on steps (loops, macros) and on the length
of every text it builds, so that it can neither run for ever nor fill the memory. The names it may use are those that
transformers gives: raise_exception, strftime_now, tojson, namespace, and the tag {% generation %} around an answer.

Left out: a limit on a single slow built-in filter, which the limit on lengths bounds instead.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zhixing.core.errors import DataError, UnsupportedError

MAX_STEPS = 50_000
MAX_CHARACTERS = 4_000_000
_CHANGES_LENGTH = ("center", "ljust", "rjust", "zfill", "expandtabs", "indent", "join", "replace")
_LIMITED_FILTERS = ("center", "indent", "join", "replace", "format", "batch", "slice", "round")
_steps: ContextVar[list[int]] = ContextVar("steps")
_nonce: ContextVar[str] = ContextVar("nonce")


class _LimitError(TemplateError):
    """A template went beyond its limits."""


class Template:
    """One compiled chat template."""

    def __init__(self, source: str, *, origin: str = "the chat template") -> None:
        self._origin = origin
        self.has_generation = "generation" in source and "endgeneration" in source
        environment = _Environment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        del environment.filters["attr"]  # a way around the checks of attributes
        environment.filters["tojson"] = _to_json
        for name in ("lipsum", "cycler", "joiner"):
            del environment.globals[name]
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        try:
            tree = _with_steps(environment.parse(source))
            tree.set_environment(environment)
            code = environment.compile(tree)
            self._template = environment.template_class.from_code(
                environment, code, environment.make_globals(None)
            )
        except (TemplateError, RecursionError) as error:
            raise UnsupportedError(f"{origin} is not a Jinja template: {error}") from error

    def render(self, variables: Mapping[str, Any]) -> tuple[str, list[tuple[int, int]]]:
        """The text, and the parts of it inside {% generation %} as (start, end).

        Raises DataError when the template refuses the conversation, UnsupportedError when it does what it must not.
        """
        nonce = secrets.token_hex(8)
        tokens = _steps.set([MAX_STEPS]), _nonce.set(nonce)
        try:
            return _take_marks(self._write(variables), nonce)
        except (_LimitError, SecurityError) as error:
            raise UnsupportedError(f"{self._origin} was stopped: {error}") from error
        except TemplateError as error:
            raise DataError(f"{self._origin} refuses this conversation: {error}") from error
        except RecursionError as error:
            raise UnsupportedError(
                f"{self._origin} was stopped: it calls itself too often"
            ) from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise DataError(f"{self._origin} cannot write this conversation: {error}") from error
        finally:
            _steps.reset(tokens[0])
            _nonce.reset(tokens[1])

    def _write(self, variables: Mapping[str, Any]) -> str:
        parts: list[str] = []
        size = 0
        for part in self._template.generate(variables):
            parts.append(part)
            size += len(part)
            _check_length(size)
        return "".join(parts)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with every text that an operator or a method makes held to the limit."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse an operation whose result would be too large, before it is made."""
        if operator == "*":
            _check_length(_length(left) * _size(right), _length(right) * _size(left))
        elif operator == "**":
            _check_length(_size(right) * max(1, _size(left).bit_length()))
        elif operator == "%" and isinstance(left, str):
            _check_format(left)
        elif operator == "+":
            _check_length(_length(left) + _length(right))
        return super().call_binop(context, operator, left, right)

    def is_safe_callable(self, obj: Any) -> bool:
        """Asked before every call: counts it as a step."""
        self.step()
        return super().is_safe_callable(obj)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A text's methods that make it longer check first how long."""
        return _limited(obj, attribute, super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The same for `text['center']`."""
        return _limited(obj, argument, super().getitem(obj, argument))

    def wrap_str_format(self, value: Any) -> Any:
        """Hold `'{:9}'.format` to the limit, whose widths are in the text itself."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _check_format(value.__self__)
        return wrapped

    def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
        """Stop at once: the sandbox would only leave the place empty."""
        raise SecurityError(f"it asks for {attribute!r} of a {type(obj).__name__}")

    def step(self) -> str:
        """One step of a loop or macro."""
        left = _steps.get()
        left[0] -= 1
        if left[0] < 0:
            raise _LimitError(f"more than {MAX_STEPS:,} steps; does it loop for ever?")
        return ""

    def check_filter(self, name: str, value: Any, *arguments: Any) -> Any:
        """`value`, unless the filter called `name` would make too much of it."""
        if name == "format":
            _check_format(str(value))
        _check_length(*map(_size, arguments))
        for text in (value, *arguments):
            if isinstance(text, str):
                _check_method(name, text, [value, *arguments])
        return value

    def concat_checked(self, *parts: Any) -> str:
        """What `~` does, within the limit."""
        texts = [str(part) for part in parts]
        _check_length(sum(map(len, texts)))
        return "".join(texts)


class _Generation(Extension):
    """{% generation %} … {% endgeneration %}: puts marks around what an assistant says."""

    tags = {"generation"}  # noqa: RUF012 - the base class has a set

    def parse(self, parser: Parser) -> nodes.Node:
        """Turn the block into a call that wraps its text in marks."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Callable[[], str]) -> str:
        start, end = _marks(_nonce.get())
        return start + caller() + end


def _marks(nonce: str) -> tuple[str, str]:
    return f"\ufdd0{nonce}\ufdd1", f"\ufdd1{nonce}\ufdd0"


def _take_marks(text: str, nonce: str) -> tuple[str, list[tuple[int, int]]]:
    opening, closing = _marks(nonce)
    pieces: list[str] = []
    parts = []
    size = 0
    first, *others = text.split(opening)
    pieces.append(first)
    for other in others:
        size = sum(map(len, pieces))
        inside, _, after = other.partition(closing)
        parts.append((size, size + len(inside)))
        pieces += [inside, after]
    return "".join(pieces), parts


def _with_steps(tree: nodes.Template) -> nodes.Template:
    """Count the rounds of loops and macros, and check what `~` joins."""
    for node in [*tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock))]:
        call = nodes.Call(nodes.EnvironmentAttribute("step"), [], [], None, None)
        statement = nodes.ExprStmt(call, lineno=node.lineno)
        node.body.insert(0, statement.set_lineno(node.lineno))  # type: ignore[attr-defined]
    _replace_concat(tree)
    return tree


def _replace_concat(node: nodes.Node) -> None:
    for name, value in [*node.iter_fields()]:
        if isinstance(value, nodes.Node):
            setattr(node, name, _checked(value))
        elif isinstance(value, list):
            setattr(node, name, [_checked(v) if isinstance(v, nodes.Node) else v for v in value])


def _checked(node: nodes.Node) -> nodes.Node:
    _replace_concat(node)
    if isinstance(node, nodes.Filter) and node.name in _LIMITED_FILTERS:
        return _check_before(node)
    if not isinstance(node, nodes.Concat):
        return node
    function = nodes.EnvironmentAttribute("concat_checked")
    return nodes.Call(function, node.nodes, [], None, None).set_lineno(node.lineno)


def _check_before(node: nodes.Filter) -> nodes.Filter:
    """The filter, with its value passed through `check_filter` together with what it is given."""
    if node.node is None:
        raise TemplateSyntaxError(
            f"a block with the filter {node.name} is not supported", node.lineno
        )
    given = [*node.args, *(pair.value for pair in node.kwargs)]
    call = nodes.Call(
        nodes.EnvironmentAttribute("check_filter"),
        [nodes.Const(node.name), node.node, *given],
        [],
        None,
        None,
    )
    call.set_lineno(node.lineno)
    node.node = call
    return node


@dataclass(frozen=True, slots=True)
class _LimitedMethod:
    """A method of a text that checks the length of its result before it makes it."""

    text: str
    name: str

    def __call__(self, *arguments: Any) -> Any:
        _check_method(self.name, self.text, arguments)
        return getattr(self.text, self.name)(*arguments)


def _limited(owner: Any, name: Any, value: Any) -> Any:
    is_method = isinstance(owner, str) and name in _CHANGES_LENGTH and callable(value)
    return _LimitedMethod(str(owner), name) if is_method else value


def _check_method(name: str, owner: str, arguments: Sequence[Any]) -> None:
    if name not in _CHANGES_LENGTH:
        return
    widest = max((_size(value) for value in arguments), default=0)
    longest = max((_length(value) for value in arguments if isinstance(value, str)), default=0)
    items = max((_length(value) for value in arguments if not isinstance(value, str)), default=0)
    times = len(owner) + 1 if name == "replace" else 1
    _check_length(
        len(owner) * (items + 1), widest, times * longest if name == "replace" else longest
    )


def _check_format(form: str) -> None:
    digits = "".join(c if c.isdigit() else " " for c in form).split()
    _check_length(*(int(run[:12]) for run in digits))


def _check_length(*sizes: int) -> None:
    if any(size > MAX_CHARACTERS for size in sizes):
        raise _LimitError(f"a text of more than {MAX_CHARACTERS:,} characters")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else 0


def _size(value: Any) -> int:
    return abs(value) if isinstance(value, int) else 0


def _raise(message: str) -> None:
    raise TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as transformers writes it: Jinja's own filter would escape HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
