"""Mutual TLS between gateways, at both of its ends. Certificate and authorities come from files that Envoy watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.model.peers import GATEWAYS

Json = dict[str, Any]

DIRECTORY = "/etc/fairway"
IDENTITY = "identity"
AUTHORITY = "authority"
HTTP = "http/1.1"
TCP = "fairway-tcp"
"""What TLS calls the two things that gateways say to each other."""
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"


def server_end(directory: str) -> Json:
    """For a listener: only a gateway with a certificate of the authority gets in."""
    context = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": _context({"prefix": GATEWAYS}, directory, HTTP, TCP),
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def client_end(name: str, ask_for: str, directory: str, protocol: str = HTTP) -> Json:
    """For an endpoint: it has to be the gateway `name`, and is asked for the cluster `ask_for`."""
    context = {
        "@type": f"{_TLS}.UpstreamTlsContext",
        "sni": ask_for,
        "common_tls_context": _context({"exact": name}, directory, protocol),
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def identity_file(certificate: str, key: str) -> Json:
    """The secret that says who this gateway is; the arguments are paths."""
    files = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    return {"@type": f"{_TLS}.Secret", "name": IDENTITY, "tls_certificate": files}


def authority_file(certificates: str) -> Json:
    """The secret that says whom it trusts; the argument is a path."""
    return {
        "@type": f"{_TLS}.Secret",
        "name": AUTHORITY,
        "validation_context": {"trusted_ca": {"filename": certificates}},
    }


def _context(wanted: Mapping[str, str], directory: str, *protocols: str) -> Json:
    names = {"match_typed_subject_alt_names": [{"san_type": "URI", "matcher": dict(wanted)}]}
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "alpn_protocols": list(protocols),
        "tls_certificate_sds_secret_configs": [secret(IDENTITY, directory)],
        "combined_validation_context": {
            "default_validation_context": names,
            "validation_context_sds_secret_config": secret(AUTHORITY, directory),
        },
    }


def secret(name: str, directory: str) -> Json:
    """Where a listener, or a cluster, finds a secret: in the file of its name."""
    source = {"path_config_source": {"path": f"{directory}/{name}.json"}, "resource_api_version": "V3"}
    return {"name": name, "sds_config": source}
