"""`manage.py decode`: what a frame says. Needs no running service."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.lorawan import uplink_telegram
from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Arrival, CompiledType, Decoded
from ingestion.inspection import (
    UnknownTypeError,
    byte_lines,
    compiled_type,
    frames_in,
    meaning_lines,
    octets_in,
    recognise,
    table_lines,
    unpacked,
)
from meters.definition import DefinitionError

__all__ = ["Command"]

_LARGEST_FILE = 16 * 1024 * 1024


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ArgumentTypeError(_("a key is written in hex")) from error


class Command(BaseCommand):
    """Recognises the protocol by itself, or decodes by a device type."""

    help = "Show what a frame says: a file, hex, base64, a text, or - for standard input."
    requires_system_checks: list[str] = []  # noqa: RUF012  declared so by the base class

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("frame", metavar="FILE|HEX", help="the frame")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--auto", action="store_true", help="recognise the protocol (the default)")
        how.add_argument("--type", metavar="TYPE", help="a shipped device type, or its file")
        parser.add_argument("--key", type=_key, help="the key of the device, in hex")
        parser.add_argument("--auth-key", type=_key, help="the authentication key (DLMS), in hex")
        parser.add_argument("--zone", default="", help="the zone of its clock, as Europe/Berlin")
        parser.add_argument("--port", type=int, help="the LoRaWAN port that it came on")
        parser.add_argument("--topic", default="", help="the MQTT topic that it came on")
        parser.add_argument("--bytes", action="store_true", help="byte by byte")
        parser.add_argument("--lines", action="store_true", help="every line is a frame")

    def handle(self, *args: Any, **options: Any) -> None:
        content = _content(options["frame"])
        frames = frames_in(content) if options["lines"] else [octets_in(content)]
        for octets in frames:
            self.show(octets, options)

    def show(self, octets: bytes, options: dict[str, Any]) -> None:
        try:
            if not options["type"]:
                self.write(
                    recognise(
                        octets, key=options["key"], authentication_key=options["auth_key"]
                    ).telegram,
                    options,
                )
                return
            decoded = self.decoded(_by_type(options["type"]), octets, _arrival(options))
        except DecodeError as error:
            raise CommandError(str(error)) from error
        self.write(decoded.telegram, options)
        for line in meaning_lines(decoded):
            self.stdout.write(line)

    def decoded(self, compiled: CompiledType, octets: bytes, arrival: Arrival) -> Decoded:
        """By a type; of a network server's document it tells what that says first."""
        inner, came, uplink = unpacked(octets, arrival, kind=compiled.definition.decode.kind)
        if uplink is not None:
            for line in (*table_lines(uplink_telegram(octets, uplink)), ""):
                self.stdout.write(line)
        return compiled.decode(inner, context=came)

    def write(self, telegram: Telegram, options: dict[str, Any]) -> None:
        for line in table_lines(telegram):
            self.stdout.write(line)
        if options["bytes"]:
            self.stdout.write("")
            for line in byte_lines(telegram):
                self.stdout.write(line)


def _by_type(name: str) -> CompiledType:
    try:
        return compiled_type(name)
    except UnicodeDecodeError as error:
        raise CommandError(_("%(file)s is no text.") % {"file": name}) from error
    except (OSError, UnknownTypeError, DefinitionError) as error:
        raise CommandError(str(error)) from error


def _arrival(options: dict[str, Any]) -> Arrival:
    keys = {"encryption": options["key"], "authentication": options["auth_key"]}
    return Arrival(
        topic=options["topic"],
        port=options["port"],
        keys={name: key for name, key in keys.items() if key},
        received_at=datetime.now(UTC),
        config={"zone": options["zone"]} if options["zone"] else {},
        memory={},
    )


def _content(argument: str) -> bytes:
    """Of a file, of standard input, or the argument itself."""
    if argument == "-":
        return _bounded(sys.stdin.buffer.read(_LARGEST_FILE + 1))
    path = Path(argument)
    try:
        if len(argument) < 1000 and path.is_file():
            with path.open("rb") as file:
                return _bounded(file.read(_LARGEST_FILE + 1))
    except OSError as error:
        raise CommandError(str(error)) from error
    return argument.encode("utf-8", "surrogateescape")


def _bounded(content: bytes) -> bytes:
    if len(content) > _LARGEST_FILE:
        raise CommandError(_("The file is larger than 16 MB."))
    return content
