"""Documents as network servers write them, after their public documentation; payloads of tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["AT", "EUI", "WRITERS", "things", "things_event", "written"]

EUI = "70B3D57ED0051A2B"
AT = datetime(2026, 3, 1, 12, 30, 15, 500_000, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Document = dict[str, Any] | list[dict[str, Any]]


def _base64(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _ids(eui: str) -> dict[str, Any]:
    return {
        "device_id": "meter-1",
        "application_ids": {"application_id": "city"},
        "dev_eui": eui,
        "join_eui": "800000000000000C",
        "dev_addr": "00BCB929",
    }


def things(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    """The Things Stack leaves out what is 0 or empty."""
    message = {
        "session_key_id": "AXBSH1Pk6Z0G166RlH16CQ==",
        "f_port": port,
        "f_cnt": counter,
        "frm_payload": _base64(payload),
        "decoded_payload": {"temperature": 1.0},
        "rx_metadata": [
            {"gateway_ids": {"gateway_id": "far"}, "rssi": -119, "snr": -7.2},
            {
                "gateway_ids": {"gateway_id": "near"},
                "time": "2026-03-01T12:30:15.1Z",
                "timestamp": 2463457000,
                "rssi": -35,
                "channel_rssi": -35,
                "snr": 5,
                "location": {"latitude": 49.82, "longitude": 24.03},
            },
        ],
        "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}}},
        "received_at": _iso(at),
    }
    return {
        "end_device_ids": _ids(eui),
        "correlation_ids": ["as:up:01E0WZGT6Y7657CPFPE5WEYDSQ"],
        "received_at": _iso(at + timedelta(seconds=1)),
        "uplink_message": {key: value for key, value in message.items() if value},
    }


def things_event(key: str, eui: str = EUI) -> dict[str, Any]:
    """Of The Things Stack: join_accept, downlink_ack …"""
    return {
        "end_device_ids": _ids(eui),
        "correlation_ids": ["as:up:01E0WZGT6Y7657CPFPE5WEYDSQ"],
        "received_at": _iso(AT),
        key: {"session_key_id": "AXBSH1Pk6Z0G166RlH16CQ==", "received_at": _iso(AT)},
    }


def chirpstack_4(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": at.isoformat(),
        "deviceInfo": {
            "tenantName": "City",
            "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97",
            "deviceProfileName": "Pulse",
            "deviceName": "meter 1",
            "devEui": eui.lower(),
            "tags": {"key": "value"},
        },
        "devAddr": "00189440",
        "dr": 1,
        "fPort": port,
        "fCnt": counter,
        "data": _base64(payload),
        "rxInfo": [
            {"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5, "context": "EFwMtA=="}
        ],
        "txInfo": {"frequency": 868500000},
    }


def chirpstack_3(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    """As protobuf writes it: the DevEUI is base64 too."""
    return {
        "applicationID": "123",
        "applicationName": "water",
        "deviceName": "meter-1",
        "devEUI": _base64(bytes.fromhex(eui)),
        "rxInfo": [{"gatewayID": "AwMDAwMDAwM=", "time": None, "rssi": -48, "loRaSNR": 9}],
        "txInfo": {"frequency": 868100000, "modulation": "LORA"},
        "adr": True,
        "dr": 4,
        "fCnt": counter,
        "fPort": port,
        "data": _base64(payload),
        "objectJSON": '{"temperatureSensor":25}',
        "tags": {},
        "confirmedUplink": True,
        "devAddr": "AFE5Qg==",
        "publishedAt": _iso(at),
    }


def chirpstack_3_old(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    """Its older JSON, where only gateways tell the time."""
    return {
        "applicationID": "123",
        "deviceName": "meter-1",
        "devEUI": eui.lower(),
        "rxInfo": [{"gatewayID": "0303030303030303", "time": _iso(at), "rssi": -57, "loRaSNR": 10}],
        "fCnt": counter,
        "fPort": port,
        "data": _base64(payload),
        "object": {"temperatureSensor": {"1": 25}},
    }


def thingpark(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    """Numbers stand as texts, times in the zone of the operator."""
    zoned = at.astimezone(UTC) + timedelta(hours=2)
    return {
        "DevEUI_uplink": {
            "Time": zoned.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+02:00",
            "DevEUI": eui,
            "FPort": str(port),
            "FCntUp": str(counter),
            "MType": "4",
            "payload_hex": payload.hex(),
            "mic_hex": "cfffc70f",
            "LrrRSSI": "-80.000000",
            "LrrSNR": "7.000000",
            "Lrrs": {"Lrr": [{"Lrrid": "004A18E3", "LrrRSSI": "-80.000000"}]},
            "CustomerData": {"alr": {"pro": "ADRF/DEMO", "ver": "2"}},
            "DevAddr": "04D2848E",
        }
    }


def loriot(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    return {
        "cmd": "rx",
        "EUI": eui,
        "ts": _millis(at),
        "ack": False,
        "bat": 254,
        "fcnt": counter,
        "port": port,
        "data": payload.hex().upper(),
    }


def loriot_gateways(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    """The same once more, when all gateways have told."""
    basic = loriot(payload, port, counter, at, eui)
    assert isinstance(basic, dict)
    gateways = [{"rssi": -130, "snr": 1.2}, {"rssi": -90, "snr": 7}]
    return basic | {"cmd": "gw", "freq": 868500000, "dr": "SF12 BW125 4/5", "gws": gateways}


def netmore(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    return [
        {
            "devEui": eui.lower(),
            "sensorType": "pulse",
            "messageType": "payload",
            "timestamp": _iso(at),
            "payload": payload.hex(),
            "fCntUp": counter,
            "spreadingFactor": "8",
            "rssi": "-112",
            "snr": "-3",
            "gatewayIdentifier": "824",
            "fPort": str(port),
        }
    ]


def wanesy(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    return {
        "id": "5e32e86922697b0001e828d5",
        "endDevice": {"devEui": eui, "devAddr": "020DEA52", "cluster": {"id": 359}},
        "fPort": port,
        "fCntUp": counter,
        "encodingType": "HEXA",
        "encrypted": False,
        "payload": payload.hex(),
        "recvTime": _millis(at),
        "gwInfo": [{"gwEui": "7276FF000B0324E2", "rssi": -40, "snr": 12.2}],
    }


def everynet(payload: bytes, port: int, counter: int, at: datetime, eui: str) -> Document:
    seconds = (at - _EPOCH) // timedelta(microseconds=1)
    return {
        "type": "uplink",
        "meta": {"device": eui.lower(), "gateway": "b0fd0b7002a00000", "time": seconds / 1e6},
        "params": {
            "payload": _base64(payload),
            "encrypted_payload": None,
            "port": port,
            "counter_up": counter,
            "rx_time": seconds / 1e6,
            "radio": {"hardware": {"snr": 9.5, "rssi": -43}},
        },
    }


Writer = Callable[[bytes, int, int, datetime, str], Document]
# Name of a way to write → how, and the name of the server that is told.
WRITERS: dict[str, tuple[Writer, str]] = {
    "things": (things, "The Things Stack"),
    "chirpstack-4": (chirpstack_4, "ChirpStack 4"),
    "chirpstack-3": (chirpstack_3, "ChirpStack 3"),
    "chirpstack-3-old": (chirpstack_3_old, "ChirpStack 3"),
    "thingpark": (thingpark, "ThingPark"),
    "loriot": (loriot, "Loriot"),
    "loriot-gateways": (loriot_gateways, "Loriot"),
    "netmore": (netmore, "Netmore"),
    "wanesy": (wanesy, "Wanesy"),
    "everynet": (everynet, "Everynet"),
}


def written(
    name: str,
    payload: bytes,
    *,
    port: int = 2,
    counter: int = 17,
    at: datetime = AT,
    eui: str = EUI,
) -> bytes:
    """The document of one uplink."""
    return json.dumps(WRITERS[name][0](payload, port, counter, at, eui)).encode()
