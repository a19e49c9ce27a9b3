"""Checks of single values that several models share."""

from __future__ import annotations

import ipaddress
import zoneinfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["validate_currency", "validate_plain_text", "validate_subnet", "validate_time_zone"]


def validate_time_zone(value: str) -> None:
    """An IANA name such as Europe/Kyiv."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone. Use an IANA name such as Europe/Kyiv."),
            params={"value": value},
        )


def validate_currency(value: str) -> None:
    """Three capital letters as in ISO 4217."""
    if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise ValidationError(
            _("“%(value)s” is not a currency code. Use three capital letters such as UAH."),
            params={"value": value},
        )


def validate_subnet(value: str) -> None:
    """An IPv4 or IPv6 network in CIDR notation, host bits zero."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValidationError(
            _("“%(value)s” is not a network. Write it as 10.20.0.0/16 or 2001:db8::/32."),
            params={"value": value},
        ) from error


def validate_plain_text(value: str) -> None:
    """Text a person can read: no control characters, which tables and logs would choke on."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValidationError(_("Control characters are not allowed here."))
