"""Downloading one address: resumed where it stopped, checked, and only then given its name."""

import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.core.files import sha256_file
from zhixing.core.progress import Progress

_PIECE = 1 << 20
_TIMEOUT_SECONDS = 30


class UnreachableError(DataError):
    """A registry or an address does not answer; nothing is wrong with what is already here."""


def hub_address(locator: str) -> str:
    """The address of `datasets/OWNER/NAME/FILE` or `OWNER/NAME/FILE` on the hub that `$HF_ENDPOINT` names."""
    parts = locator.split("/")
    num_owner = 3 if parts[0] in ("datasets", "spaces") else 2
    if len(parts) <= num_owner:
        raise DataError(f"hf://{locator}: write it as hf://datasets/OWNER/NAME/FILE")
    repository, file = "/".join(parts[:num_owner]), "/".join(parts[num_owner:])
    return f"{_hub()}/{repository}/resolve/main/{urllib.parse.quote(file)}"


def download(address: str, folder: Path, *, sha256: str, progress: Progress) -> Path:
    """Fetch `address` into `folder`; `sha256` is compared when it is not empty.

    What a broken connection left is continued the next time. Raises UnreachableError when nothing answers.
    """
    if not address.startswith(("https://", "http://")):
        raise DataError(f"{address}: only https:// and http:// addresses can be fetched")
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(address).path)).name or "download"
    part = folder / f"{name}.part"
    try:
        _continue(address, part, progress)
    except urllib.error.HTTPError as error:
        raise UnreachableError(f"{address} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, OSError) as error:
        raise UnreachableError(
            f"{address} broke off or is out of reach ({error}); what came so far is kept: run it again"
        ) from error
    if sha256 and (digest := sha256_file(part)) != sha256:
        part.unlink()
        raise DataError(f"{address} has sha256 {digest[:16]}…, not {sha256[:16]}…; it was not used")
    return part.replace(folder / name)


def _continue(address: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    with _open(address, have) as answer:
        resumed = answer.status == 206
        length = int(answer.headers.get("Content-Length") or 0)
        expected = have * resumed + length
        progress.start(f"downloading {address}", total=expected or None, unit="B")
        progress.advance(have * resumed)
        with part.open("ab" if resumed else "wb") as file:
            while piece := answer.read(_PIECE):
                file.write(piece)
                progress.advance(len(piece))
    if length and part.stat().st_size != expected:
        raise OSError(f"{part.stat().st_size} of {expected} bytes came")
    progress.finish(f"{address}: {part.stat().st_size} bytes")


def _open(address: str, have: int) -> Any:
    headers = {"User-Agent": "zhixing", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address, headers=headers)
    token = os.environ.get("HF_TOKEN")
    if token and address.startswith(f"{_hub()}/"):  # a redirect to another host must not carry it
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # nothing is left to send: start anew, in case the file changed
            raise
        request.remove_header("Range")
        return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
