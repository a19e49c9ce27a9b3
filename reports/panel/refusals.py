"""What to do about each reason for which a frame did not become data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from ingestion.models import Reason

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["ADVICE"]

ADVICE: dict[str, str | _StrPromise] = {
    Reason.MALFORMED: _("Something else talks to this port, or the line corrupts what is sent."),
    Reason.UNKNOWN_DEVICE: _("Enter the module with this address; its frames are then taken in."),
    Reason.BLOCKED: _("Set the module to active, if it is meant to be heard."),
    Reason.FOREIGN_SOURCE: _(
        "Add the network to the company's allowed networks, if the device really is there."
    ),
    Reason.NO_KEY: _("Give the module its key, or enter the claim secret printed on it."),
    Reason.WRONG_KEY: _(
        "Compare the check value of the key with the module's. If it is right, somebody else"
        " speaks in the module's name."
    ),
    Reason.REPLAYED: _("A repeated frame does no harm; many of them may be an attempt to deceive."),
    Reason.UNDECODABLE: _("The module's firmware may be newer than its device type."),
    Reason.TOO_SLOW: _("Publish a version of the device type that does less for a message."),
    Reason.NO_METER: _("Put the meter on this port of the module."),
    Reason.NO_REGISTER: _("Add the register to the meter's device type and publish it."),
    Reason.NO_CHANNEL: _("Activate the channel at the usage point."),
    Reason.NOT_INSTALLED: _("Enter when the meter was installed."),
    Reason.OFF_GRID: _("The device counts intervals of another length: check its configuration."),
    Reason.OUT_OF_TIME: _("The device's clock may be wrong: order it to be set."),
    Reason.NO_CLOCK: _("The device's clock was never set: it is set at its next contact."),
    Reason.NOT_STORABLE: _("See the detail; the value may be too large to be one."),
}
