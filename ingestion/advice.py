"""What a person can do about each reason for which frames are not stored as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingestion.models import Reason

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["advice_on"]

_ADVICE: dict[Reason, _StrPromise] = {
    Reason.MALFORMED: gettext_lazy(
        "Something that does not speak the protocol sends to this port: a scanner, or a device"
        " that is set up wrongly. These frames never become data; look at one to see what they are."
    ),
    Reason.UNKNOWN_DEVICE: gettext_lazy(
        "Enter a telemetry module with this device id as its network address, and its key. Where"
        " the detail says that no type recognises it, publish a device type first."
    ),
    Reason.BLOCKED: gettext_lazy(
        "Set the module's status to active, or have the company opened again."
    ),
    Reason.FOREIGN_SOURCE: gettext_lazy(
        "If the device may send from this address, add its network to the company's allowed"
        " subnets. If it may not, somebody may be imitating it."
    ),
    Reason.NO_KEY: gettext_lazy(
        "Enter the key that the maker delivered with the module, or its claim secret."
    ),
    Reason.WRONG_KEY: gettext_lazy(
        "Compare the check value of the module's key with the maker's list, and enter the right"
        " key. If it is right, the frames were changed on the way or come from somebody else."
    ),
    Reason.REPLAYED: gettext_lazy(
        "Each frame counts once. A device that lost its counter needs a new key; many of these"
        " from a strange address mean that somebody sends recorded frames again."
    ),
    Reason.UNDECODABLE: gettext_lazy(
        "The key is right, but the content breaks the protocol: tell the maker, with a frame. Once"
        " the server understands it, have the frames tried again."
    ),
    Reason.TOO_SLOW: gettext_lazy(
        "Messages of this type would make those of everybody else wait, so it is not asked now. Open"
        " the type in the workbench with one of these frames, let it do less for a message (fewer"
        " rules on long lists, shorter formulas), and publish it."
    ),
    Reason.NO_METER: gettext_lazy("Enter the meter on the port that the detail names."),
    Reason.NO_REGISTER: gettext_lazy(
        "Publish a version of the meter's type that knows the register the detail names."
    ),
    Reason.NO_CHANNEL: gettext_lazy(
        "Make the channel at the usage point active, or publish a version of the type that makes"
        " one for this register."
    ),
    Reason.NOT_INSTALLED: gettext_lazy(
        "Enter where the meter was at the time of the values: install it earlier, or enter the"
        " exchange."
    ),
    Reason.OFF_GRID: gettext_lazy(
        "Give the channel the interval that the device sends, or one that divides it or is a"
        " multiple of it; or set the device to the channel's, counted from local midnight."
    ),
    Reason.OUT_OF_TIME: gettext_lazy(
        "Set the device's clock; the archive keeps no values of such a time."
    ),
    Reason.NO_CLOCK: gettext_lazy(
        "The device was never told the time. Every answer tells it: if this goes on, the device"
        " does not hear them."
    ),
    Reason.NOT_STORABLE: gettext_lazy(
        "Look at the detail. For values older than the archive is prepared for, have its months"
        " made (manage.py make_partitions --from), then have the frames tried again."
    ),
}
# Once this is mended nobody has to ask for a replay.
_BY_THEMSELVES = frozenset(
    {
        Reason.UNKNOWN_DEVICE,
        Reason.BLOCKED,
        Reason.FOREIGN_SOURCE,
        Reason.NO_KEY,
        Reason.WRONG_KEY,
        Reason.TOO_SLOW,
        Reason.NO_METER,
        Reason.NO_REGISTER,
        Reason.NO_CHANNEL,
        Reason.NOT_INSTALLED,
        Reason.OFF_GRID,
    }
)


def advice_on(reason: Reason) -> str:
    """In the active language."""
    text = str(_ADVICE[reason])
    if reason in _BY_THEMSELVES:
        text += " " + _("The frames kept are then stored by themselves.")
    return text
