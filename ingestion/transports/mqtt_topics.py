"""Topics of MQTT: `readout/v1/up/<shard>/<device id>` to us, `readout/v1/down/<device id>` from us.

The shard is the last digit of the device id as printed: ten shards, which a worker takes whole. A
device works it out from its own label; a filter with a wildcard picks a shard out.
"""

from __future__ import annotations

from ingestion.codecs.universal_frame import MIN_FRAME_BYTES, VERSION, device_label

__all__ = [
    "SHARDS",
    "belongs",
    "down_topic",
    "filters_of",
    "fits",
    "shard_filter",
    "shards_of",
    "source_of",
    "topic_and_address",
    "up_topic",
]

SHARDS = "0123456789"
# Where others have the address that they came from, a message on a foreign topic has this, the
# address where no broker hides it, and the topic.
_TOPIC, _ADDRESS = "mqtt:", "mqtt@"
_LONGEST_FILTER = 1_024
_UP = "readout/v1/up/"
_DOWN = b"readout/v1/down/"


def up_topic(label: str) -> str:
    """Where a device sends its frames; label as printed, such as RDO-0000001234."""
    return f"{_UP}{label[-1]}/{label}"


def down_topic(device: bytes) -> bytes:
    """Where a device finds its answers; device: the eight bytes of its id."""
    return _DOWN + device_label(device).encode()


def shard_filter(shard: str) -> str:
    """The subscription that takes all devices of a shard."""
    return f"{_UP}{shard}/+"


def shards_of(text: str) -> str:
    """The shards named in a setting such as "0123456789" or "0-4": each once, ascending.

    ValueError when it names anything else.
    """
    found = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if dash and first > last:
            raise ValueError(f"{part!r} ends before it begins")
        found |= set(SHARDS[SHARDS.index(first) : SHARDS.index(last) + 1] if dash else part)
    if not found <= set(SHARDS):
        raise ValueError(f"{text!r} names shards that are not digits")
    return "".join(sorted(found))


def filters_of(text: str) -> tuple[str, ...]:
    """The topic filters named in a setting such as "v3/+/devices/+/up, application/#", in order.

    ValueError for what is no filter, or would bring frames of our own protocol a second time.
    """
    found = sorted({part for one in text.split(",") if (part := one.strip())})
    for one in found:
        levels = one.split("/")
        if any(len(level) > 1 and ("+" in level or "#" in level) for level in levels):
            raise ValueError(f"{one!r} is no topic filter: + and # stand for whole levels")
        if "#" in levels[:-1]:
            raise ValueError(f"{one!r} is no topic filter: # stands at the end")
        if " " in one or len(one.encode()) > _LONGEST_FILTER:
            raise ValueError(f"{one[:80]!r} is no topic filter of a broker")
        if _takes_ours(levels):
            raise ValueError(f"{one!r} takes the server's own topics too, {_UP}…")
    return tuple(found)


def _takes_ours(levels: list[str]) -> bool:
    ours = f"{_UP}0/RDO-0000000000".split("/")
    for level, own in zip(levels, ours, strict=False):
        if level == "#":
            return True
        if level != "+" and level != own and own not in ("0", ours[-1]):
            return False
    return len(levels) == len(ours)


def source_of(topic: bytes, address: str = "") -> str:
    """What stands as the source of a message on a foreign topic; address: "" behind a broker."""
    text = topic.decode("utf-8", "replace")
    return f"{_ADDRESS}{address}/{text}" if address else _TOPIC + text


def topic_and_address(source: str) -> tuple[str, str]:
    """Both of a source, "" for what it does not tell; of all but foreign messages the address."""
    if source.startswith(_TOPIC):
        return source[len(_TOPIC) :], ""
    if source.startswith(_ADDRESS):
        address, _, topic = source[len(_ADDRESS) :].partition("/")
        return topic, address
    return "", source


def fits(topic: str, one: str) -> bool:
    """Whether a topic that somebody publishes to is one of a filter (MQTT 3.1.1, 4.7)."""
    levels, wanted = topic.split("/"), one.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: max(len(wanted), 1)]
    return len(levels) == len(wanted) and all(
        want in ("+", level) for level, want in zip(levels, wanted, strict=True)
    )


def belongs(topic: bytes, payload: bytes) -> bool:
    """Whether the frame may come on this topic: of the device that the topic names.

    What is no frame at all passes: the engine counts it as malformed, with its reason.
    """
    if len(payload) < MIN_FRAME_BYTES or payload[0] >> 5 != VERSION:
        return True
    number = b"%010d" % int.from_bytes(payload[4:9], "big")
    return topic == b"readout/v1/up/%b/%b-%b" % (number[-1:], payload[1:4], number)
