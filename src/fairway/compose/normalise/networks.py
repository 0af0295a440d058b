"""How a service joins networks, and the networks themselves."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from fairway.compose.node import Node
from fairway.compose.normalise.fields import Fields, given
from fairway.compose.scalars import text
from fairway.model.app import Attachment, Network


def attachments(service: Fields) -> dict[str, Attachment]:
    """Without `networks` and without `network_mode`, the default network."""
    found = {name: _attachment(fields) for name, fields in service.entries("networks")}
    return found if found or service.has("network_mode") else {"default": Attachment()}


def _attachment(fields: Fields) -> Attachment:
    return Attachment(
        aliases=fields.texts("aliases"),
        ipv4_address=fields.read("ipv4_address", _address(4)),
        ipv6_address=fields.read("ipv6_address", _address(6)),
        link_local_ips=fields.texts("link_local_ips"),
        mac_address=fields.text("mac_address"),
        driver_opts=fields.table("driver_opts"),
        priority=fields.whole("priority") or 0,
        gw_priority=fields.whole("gw_priority") or 0,
        interface_name=fields.text("interface_name"),
        use_service_name_alias=fields.flag("use_service_name_alias"),
    )


def _address(version: int) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        try:
            address = ip_address(text(node))
        except ValueError:
            address = None
        if address is None or address.version != version:
            raise ValueError(f"`{text(node)}` is no IPv{version} address")
        return text(node)

    return convert


def network(fields: Fields, key: str) -> Network:
    external = fields.flag("external") or False
    ipam = fields.child("ipam")
    return Network(
        key=key,
        name=fields.text("name") or (key if external else None),
        external=external,
        driver=fields.text("driver"),
        driver_opts=fields.table("driver_opts"),
        enable_ipv4=fields.flag("enable_ipv4"),
        enable_ipv6=fields.flag("enable_ipv6"),
        ipam_driver=ipam.text("driver"),
        ipam=tuple(_pool(pool) for pool in ipam.children("config")),
        ipam_options=ipam.table("options"),
        labels=fields.table("labels"),
        **given(internal=fields.flag("internal"), attachable=fields.flag("attachable")),
    )


def _pool(fields: Fields) -> dict[str, object]:
    """subnet, ip_range, gateway, aux_addresses: those that are set."""
    return given(
        subnet=fields.read("subnet", _network),
        ip_range=fields.read("ip_range", _network),
        gateway=fields.text("gateway"),
        aux_addresses=fields.table("aux_addresses") or None,
    )


def _network(node: Node) -> str:
    try:
        ip_network(text(node), strict=False)
    except ValueError:
        raise ValueError(f"`{text(node)}` is no range of addresses: write it like 10.5.0.0/16") from None
    return text(node)
