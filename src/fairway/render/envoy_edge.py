"""TLS for users: the listener, and the certificates it picks from.

The listener never changes: it has room for a fixed number of certificates, each in a file that Envoy watches, and Envoy
picks one by the names in it. So whatever comes, goes or is exchanged, no connection ends for it.
"""

from __future__ import annotations

from typing import Any

from fairway.render.envoy_listener import listener
from fairway.render.envoy_tls import secret

Json = dict[str, Any]

EDGE = "edge"
ROOM = 8
"""Certificates on a host. Each takes two of the 128 inotify instances that a user has, and a successor needs as many."""
SLOTS = tuple(f"{EDGE}-{number}" for number in range(ROOM))
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
_CIPHERS = tuple(
    f"ECDHE-{kind}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES256-GCM-SHA384")
    for kind in ("ECDSA", "RSA")
)
"""Of TLS 1.2; those of 1.3 are all good."""


def edge_listener(directory: str, port: int) -> Json:
    """The same as for plain HTTP, in TLS; who names no host that a certificate has gets the first one."""
    plain = listener(directory, port)
    [chain] = plain["filter_chains"]
    tls = {"name": "envoy.transport_sockets.tls", "typed_config": _context(directory)}
    inspector = {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": _INSPECTOR}}
    return {
        **plain,
        "name": f"https-{port}",
        "listener_filters": [inspector],
        "filter_chains": [{**chain, "transport_socket": tls, "transport_socket_connect_timeout": "15s"}],
    }


def certificate_file(slot: str, certificate: str, key: str) -> Json:
    """The secret that says what is shown; the last two arguments are paths."""
    files = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    return {"@type": f"{_TLS}.Secret", "name": slot, "tls_certificate": files}


def _context(directory: str) -> Json:
    limits = {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"}
    common = {
        "tls_params": {**limits, "cipher_suites": list(_CIPHERS)},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [secret(slot, directory) for slot in SLOTS],
    }
    return {"@type": f"{_TLS}.DownstreamTlsContext", "common_tls_context": common}
