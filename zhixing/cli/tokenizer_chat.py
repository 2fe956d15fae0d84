"""`zhixing tokenizer chat`: a conversation as the model gets it, and which tokens of it are learnt."""

import sys
from itertools import groupby
from pathlib import Path

from zhixing.cli.console import Json, print_json
from zhixing.core.errors import DataError
from zhixing.core.files import decode_utf8, read_bytes

GREEN, PLAIN = "\x1b[32m", "\x1b[0m"
OPEN, CLOSE = "⟦", "⟧"


def chat(
    tokenizer: Path,
    messages: str = "-",
    *,
    template: str | None = None,
    prompt: bool = False,
    as_json: Json = False,
) -> None:
    """Show a conversation as the model gets it: what is learnt is green, or in ⟦ ⟧ where there is no terminal.

    Parameters
    ----------
    tokenizer
        A tokenizer or model folder with a chat template.
    messages
        A JSON file with a list of messages ({"role": …, "content": …}), or an object with messages and tools;
        - reads standard input.
    template
        One of the folder's templates by name; without it the default.
    prompt
        End where the next answer begins, as when generating.
    as_json
        Print ids, which of them are learnt, and the text as one line of JSON.
    """
    from zhixing.tokenizer.chat import encode_chat, read_conversation
    from zhixing.tokenizer.tokenizer import Tokenizer

    opened = Tokenizer.load(tokenizer)
    conversation, tools = read_conversation(*_read(messages))
    encoded = encode_chat(
        opened, conversation, tools=tools, add_generation_prompt=prompt, template=template
    )
    if as_json:
        print_json({"ids": encoded.ids, "learnt": encoded.learnt, "text": encoded.text})
        return
    if not any(encoded.learnt) and not prompt:
        print("nothing is learnt from this conversation: it has no answer", file=sys.stderr)
    first, last = (GREEN, PLAIN) if sys.stdout.isatty() else (OPEN, CLOSE)
    for is_learnt, run in groupby(zip(encoded.learnt, encoded.ids, strict=True), key=_is_learnt):
        text = opened.decode_marked([number for _, number in run])
        sys.stdout.write(f"{first}{text}{last}" if is_learnt else text)
    print(f"\n{len(encoded.ids)} tokens, {sum(encoded.learnt)} learnt")


def _is_learnt(token: tuple[bool, int]) -> bool:
    return token[0]


def _read(messages: str) -> tuple[str, str]:
    """The text of a file or of standard input, and its name."""
    if messages == "-":
        return decode_utf8(sys.stdin.buffer.read(), "standard input"), "standard input"
    path = Path(messages)
    if not path.is_file():
        raise DataError(
            f"{path} is not a file; give a JSON file of messages, or - for standard input"
        )
    return decode_utf8(read_bytes(path), messages), messages
