"""Networks as Docker makes them, and how a replica joins them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairway.model.app import App, Attachment, Network, Service
from fairway.model.environment import Environment
from fairway.render import names

Json = dict[str, Any]
DEFAULT = "default"
INTERFACE_NAME = "com.docker.network.endpoint.ifname"


def joined(service: Service) -> tuple[tuple[str, Attachment], ...]:
    """The networks that a service joins, by key: the highest priority first."""
    if service.network_mode:
        return ()
    networks = service.networks or {DEFAULT: Attachment()}
    return tuple(sorted(networks.items(), key=lambda item: -item[1].priority))


def declared(app: App, key: str) -> Network:
    return app.networks.get(key) or Network(key=key)


def reached(environment: Environment, app: App, service: Service) -> str:
    """The name of the network on which the gateway reaches the service; `host` for the host's, "" for none.

    One of the application's own comes before an external one: there the addresses are ours to keep.
    """
    if service.network_mode:
        return service.network_mode if service.network_mode == "host" else ""
    keys = [key for key, _ in joined(service)]
    own = [key for key in keys if not declared(app, key).external]
    return names.network(environment, declared(app, (own or keys)[0]))


def aliases(app: App, service: Service, key: str) -> list[str]:
    """The names under which a service is found on a network: its own, its aliases, and those that `links` give it."""
    attachment = dict(joined(service)).get(key, Attachment())
    linked = (
        link.partition(":")[2]
        for other in app.services.values()
        if key in dict(joined(other))
        for link in other.links
        if link.partition(":")[0] == service.name
    )
    own = () if attachment.use_service_name_alias is False else (service.name,)
    return list(dict.fromkeys(name for name in (*own, *attachment.aliases, *linked) if name))


def endpoint(attachment: Attachment, address: str | None, names: Iterable[str]) -> Json:
    """An EndpointSettings. `address` is the fixed one, where there is one."""
    ipam = {
        "IPv4Address": attachment.ipv4_address or address,
        "IPv6Address": attachment.ipv6_address,
        "LinkLocalIPs": list(attachment.link_local_ips),
    }
    options = dict(attachment.driver_opts)
    if attachment.interface_name:
        options[INTERFACE_NAME] = attachment.interface_name
    body: Json = {
        "Aliases": list(names),
        "IPAMConfig": {key: value for key, value in ipam.items() if value},
        "DriverOpts": options,
        "MacAddress": attachment.mac_address,
        "GwPriority": attachment.gw_priority,
    }
    return {key: value for key, value in body.items() if value}


def network(environment: Environment, network: Network, subnets: Iterable[Mapping[str, Any]]) -> Json:
    """The body of POST /networks/create. `subnets` are Fairway's choice, where the file makes none."""
    labels = dict(network.labels) | names.of_environment(environment, names.Kind.NETWORK) | {names.KEY: network.key}
    body: Json = {
        "Name": names.network(environment, network),
        "CheckDuplicate": True,
        "Driver": network.driver or "bridge",
        "Options": dict(network.driver_opts),
        "Internal": network.internal,
        "Attachable": network.attachable,
        "EnableIPv6": bool(network.enable_ipv6),
        "Labels": labels,
        "IPAM": {
            "Driver": network.ipam_driver or "default",
            "Options": dict(network.ipam_options),
            "Config": [pool(item) for item in (network.ipam or tuple(subnets))],
        },
    }
    if network.enable_ipv4 is not None:
        body["EnableIPv4"] = network.enable_ipv4
    return body


def pool(config: Mapping[str, Any]) -> Json:
    """An entry of `ipam.config`."""
    body = {
        "Subnet": config.get("subnet"),
        "IPRange": config.get("ip_range"),
        "Gateway": config.get("gateway"),
        "AuxiliaryAddresses": dict(config.get("aux_addresses") or {}),
    }
    return {key: value for key, value in body.items() if value}
