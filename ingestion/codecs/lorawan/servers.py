"""How network servers write an uplink: where each part stands, from their public documentation.

| server | described in |
|---|---|
| The Things Stack 3 | The Things Industries, "Data Formats" |
| ChirpStack 4 | integration.proto of chirpstack_api 4, as JSON |
| ChirpStack 3 | ChirpStack Application Server, "Event types", JSON and JSON v3 |
| Actility ThingPark | ThingPark X, "Uplink Message", "Notification Message" |
| Loriot | LORIOT Network Server, "Uplink Data Message", "Gateway Information" |
| Netmore | documents of the network (Blink Services) |
| Kerlink Wanesy | Wanesy Management Centre, data up |
| Everynet | Everynet Data API, message of type uplink |

A path goes by keys; of a list it takes the first element.
"""

from __future__ import annotations

from typing import NamedTuple

from .uplink import JOIN

__all__ = ["SERVERS", "Event", "Server"]


class Event(NamedTuple):
    """Something else than an uplink: there is a value at `path`, of this text where one is given."""

    path: str
    name: str
    value: str = ""


class Server(NamedTuple):
    """mark: paths that all its documents have; one with several texts has one of them.

    eui: where the DevEUI stands. says: one of these paths is there in an uplink, unless an event
    before it is told. payload: path and form ("base64", "hex"). closed: paths of what says that the
    payload is still encrypted. times: path and form, the first that tells one counts: the clock of
    the server before those of gateways. gateways: the list that has `rssi` and `snr`; "" where they
    stand at the paths themselves. events: in the order they are looked for.
    """

    name: str
    mark: tuple[str, ...]
    eui: tuple[str, ...]
    says: tuple[str, ...]
    port: str
    counter: str
    payload: tuple[tuple[str, str], ...]
    times: tuple[tuple[str, str], ...]
    gateways: str
    rssi: str
    snr: str
    events: tuple[Event, ...] = ()
    closed: tuple[str, ...] = ()


_THINGS = Server(
    name="The Things Stack",
    mark=("end_device_ids",),
    eui=("end_device_ids.dev_eui",),
    says=("uplink_message",),
    port="uplink_message.f_port",
    counter="uplink_message.f_cnt",
    payload=(("uplink_message.frm_payload", "base64"),),
    times=(
        ("uplink_message.received_at", "iso"),
        ("received_at", "iso"),
        ("uplink_message.rx_metadata.time", "iso"),
    ),
    gateways="uplink_message.rx_metadata",
    rssi="rssi",
    snr="snr",
    events=(
        Event("join_accept", JOIN),
        Event("downlink_ack", "downlink acknowledged"),
        Event("downlink_nack", "downlink not acknowledged"),
        Event("downlink_sent", "downlink sent"),
        Event("downlink_failed", "downlink failed"),
        Event("downlink_queued", "downlink queued"),
        Event("downlink_queue_invalidated", "downlink queue invalid"),
        Event("location_solved", "location"),
        Event("service_data", "service data"),
        Event("uplink_normalized", "normalized uplink"),
    ),
)
_CHIRPSTACK_4 = Server(
    name="ChirpStack 4",
    mark=("deviceInfo",),
    eui=("deviceInfo.devEui",),
    says=("data", "fPort", "rxInfo", "fCnt"),
    port="fPort",
    counter="fCnt",
    payload=(("data", "base64"),),
    times=(("time", "iso"), ("rxInfo.nsTime", "iso"), ("rxInfo.gwTime", "iso")),
    gateways="rxInfo",
    rssi="rssi",
    snr="snr",
    events=(
        Event("queueItemId", "downlink"),
        Event("downlinkId", "downlink sent"),
        Event("level", "log"),
        Event("margin", "status"),
        Event("location", "location"),
        Event("integrationName", "integration"),
    ),
    closed=("joinServerContext",),
)
_CHIRPSTACK_3 = Server(
    name="ChirpStack 3",
    mark=("devEUI", "applicationID|applicationName|deviceName|fCnt"),
    eui=("devEUI",),
    says=("data", "fPort"),
    port="fPort",
    counter="fCnt",
    payload=(("data", "base64"),),
    times=(("publishedAt", "iso"), ("time", "iso"), ("rxInfo.time", "iso")),
    gateways="rxInfo",
    rssi="rssi",
    snr="loRaSNR",
    events=(
        Event("acknowledged", "downlink acknowledged"),
        Event("error", "error"),
        Event("margin", "status"),
        Event("location", "location"),
        Event("integrationName", "integration"),
        Event("status", "status"),
        Event("gatewayID", "downlink sent"),
    ),
)
_THINGPARK = Server(
    name="ThingPark",
    mark=(
        "DevEUI_uplink|DevEUI_notification|DevEUI_downlink_Sent|DevEUI_downlink_Rejected"
        "|DevEUI_location|DevEUI_multicast_summary|DevEUI_downlink",
    ),
    eui=(
        "DevEUI_uplink.DevEUI",
        "DevEUI_notification.DevEUI",
        "DevEUI_downlink_Sent.DevEUI",
        "DevEUI_downlink_Rejected.DevEUI",
        "DevEUI_location.DevEUI",
        "DevEUI_multicast_summary.DevEUI",
        "DevEUI_downlink.DevEUI",
    ),
    says=("DevEUI_uplink",),
    port="DevEUI_uplink.FPort",
    counter="DevEUI_uplink.FCntUp",
    payload=(("DevEUI_uplink.payload_hex", "hex"),),
    times=(("DevEUI_uplink.Time", "iso"), ("DevEUI_notification.Time", "iso")),
    gateways="",
    rssi="DevEUI_uplink.LrrRSSI",
    snr="DevEUI_uplink.LrrSNR",
    events=(
        Event("DevEUI_notification.Type", JOIN, "join"),
        Event("DevEUI_notification.Type", JOIN, "reset"),
        Event("DevEUI_notification", "notification"),
        Event("DevEUI_downlink_Sent", "downlink sent"),
        Event("DevEUI_downlink_Rejected", "downlink rejected"),
        Event("DevEUI_downlink", "downlink"),
        Event("DevEUI_location", "location"),
        Event("DevEUI_multicast_summary", "multicast"),
    ),
    closed=("DevEUI_uplink.PayloadEncryption",),
)
_LORIOT = Server(
    name="Loriot",
    mark=("cmd", "EUI"),
    eui=("EUI",),
    says=("data", "encdata"),
    port="port",
    counter="fcnt",
    payload=(("data", "hex"),),
    times=(("ts", "unix_ms"),),
    gateways="gws",
    rssi="rssi",
    snr="snr",
    events=(
        Event("cmd", JOIN, "join"),
        Event("cmd", "downlink sent", "txd"),
        Event("cmd", "downlink", "tx"),
        Event("cmd", "location", "loc"),
    ),
    closed=("encdata",),
)
_NETMORE = Server(
    name="Netmore",
    mark=("devEui", "sensorType|messageType|gatewayIdentifier"),
    eui=("devEui",),
    says=("payload", "fPort"),
    port="fPort",
    counter="fCntUp",
    payload=(("payload", "hex"),),
    times=(("timestamp", "iso"),),
    gateways="",
    rssi="rssi",
    snr="snr",
    events=(Event("messageType", JOIN, "join"), Event("messageType", "status", "status")),
)
_WANESY = Server(
    name="Wanesy",
    mark=("endDevice.devEui",),
    eui=("endDevice.devEui",),
    says=("payload", "fPort", "fCntUp"),
    port="fPort",
    counter="fCntUp",
    payload=(("payload", "hex"),),
    times=(("recvTime", "unix_ms"),),
    gateways="gwInfo",
    rssi="rssi",
    snr="snr",
    events=(Event("status", "downlink"),),
    closed=("encrypted",),
)
_EVERYNET = Server(
    name="Everynet",
    mark=("meta.device", "type"),
    eui=("meta.device",),
    says=("params.payload",),
    port="params.port",
    counter="params.counter_up",
    payload=(("params.payload", "base64"),),
    times=(("params.rx_time", "unix"), ("meta.time", "unix")),
    gateways="",
    rssi="params.radio.hardware.rssi",
    snr="params.radio.hardware.snr",
    events=(
        Event("type", JOIN, "join_request"),
        Event("type", "downlink", "downlink"),
        Event("type", "downlink", "downlink_request"),
        Event("type", "status", "status_response"),
        Event("type", "error", "error"),
        Event("type", "location", "location"),
    ),
    closed=("params.encrypted_payload",),
)
# The most particular first: a document belongs to the first whose marks it has.
SERVERS = (
    _THINGS,
    _CHIRPSTACK_4,
    _THINGPARK,
    _CHIRPSTACK_3,
    _WANESY,
    _EVERYNET,
    _LORIOT,
    _NETMORE,
)
