"""Answers with a file that is sent piece by piece."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import BinaryIO

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

__all__ = ["attachment", "written_attachment"]

_PIECE = 256 * 1024


def attachment(data: bytes, *, name: str, content_type: str) -> HttpResponse:
    """A small file."""
    response = HttpResponse(data, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def written_attachment(
    request: HttpRequest, write: Callable[[BinaryIO], None], *, name: str, content_type: str
) -> HttpResponseBase:
    """A file that `write` fills on disk first, so errors come before the answer begins."""
    # Closed by whoever sends it.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        write(file)
        size = file.tell() or file.seek(0, 2)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    # A plain iterator would be read to its end before an ASGI server sends the first byte.
    pieces = _async_pieces(file) if isinstance(request, ASGIRequest) else _pieces(file)
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Content-Length"] = str(size)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


async def _async_pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await sync_to_async(file.read)(_PIECE):
            yield piece
