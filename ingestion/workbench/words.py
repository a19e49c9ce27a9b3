"""Texts that the scripts of the bench show, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

__all__ = ["page_words"]


# By the name that the scripts know them by; %s, %1 and %2 are filled in there.
_WORDS = {
    "fine": _("No faults in the definition"),
    "faults": _("Faults in the definition: %s"),
    "broken": _("The server does not answer; your text is still here. Trying again."),
    "saved": _("Saved"),
    "unsaved": _("Not saved yet"),
    "saving": _("Saving …"),
    "noTelegram": _("Paste a telegram above, and what it says appears here."),
    "refused": _("Refused at byte %1: %2"),
    "bare": _("The definition has faults; this is what the telegram says by itself."),
    "unreadable": _(
        "The definition has faults, and the telegram does not explain itself: mend the faults "
        "to see what it says."
    ),
    "point": _("Point at a byte or a field to see what it says; select bytes to see numbers."),
    "testsWait": _("The tests run when the definition has no faults."),
    "notRecognised": _("This telegram was decoded, but `identify` says it is of another device."),
    "module": _("Module: %s"),
    "nothingDecoded": _("Nothing of the telegram is explained yet."),
    "leftOut": _("%s more values are not shown."),
    "bytes": _("%s bytes"),
    "byte": _("Byte"),
    "name": _("Name"),
    "raw": _("Raw"),
    "formula": _("Formula"),
    "result": _("Result"),
    "fields": _("Fields"),
    "readings": _("Readings"),
    "series": _("Series"),
    "events": _("Events"),
    "register": _("Register"),
    "readingType": _("Reading type"),
    "value": _("Value"),
    "kept": _("Kept as"),
    "time": _("Time"),
    "port": _("Port"),
    "base": _("Register before"),
    "begins": _("Begins"),
    "step": _("Step"),
    "values": _("Values"),
    "event": _("Event"),
    "severity": _("Severity"),
    "detail": _("Detail"),
    "none": _("None."),
    "arrival": _("of arrival"),
    "seconds": _("%s s"),
    "minutes": _("%s min"),
    "passed": _("passed"),
    "failed": _("failed"),
    "mustRead": _("must be read"),
    "mustRefuse": _("must be refused"),
    "expected": _("Expected"),
    "got": _("Got"),
    "testsLeft": _("%s more tests were not run while you write; publishing runs them all."),
    "noTests": _("The type has no tests yet. Add this telegram as the first one."),
    "ready": _("Its tests pass: it can be published."),
    "flowTests": _(
        "The tests stand in brackets on one line; write “tests:” on a line of its own first."
    ),
    "added": _("The test is added at the end of the definition."),
    "replaced": _("The test of this telegram expects now what came."),
    "noFrames": _(
        "No frames of your devices wait. Frames of devices that nobody has entered are kept, too: "
        "they come here and to the readings once their module is entered."
    ),
    "tooLarge": _("The file is larger than 4 MB."),
    "frames": _("%s frames in the file"),
    "chooseFrame": _("Choose a frame"),
    "problemAt": _("Line %1: %2"),
    "keyboard": _("Escape, then Tab leaves the editor. Ctrl+Space completes."),
    "editor": _("Definition"),
}


def page_words() -> dict[str, str]:
    """All of them in the language of the request."""
    return {name: str(text) for name, text in _WORDS.items()}
