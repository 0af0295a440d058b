"""Profiles: which services of an application are meant."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from fairway.model.app import App, Service


def is_active(service: Service, profiles: Collection[str]) -> bool:
    """Without profiles of its own a service always runs; `*` stands for every profile."""
    return not service.profiles or "*" in profiles or any(profile in profiles for profile in service.profiles)


def enabled(app: App, profiles: Collection[str]) -> App:
    """The application without the services whose profiles are not active, and without what depended on them.

    The default network is there only where a service of these is in it, or the file says so.
    """
    services = {name: one for name, one in app.services.items() if is_active(one, profiles)}
    kept = {
        name: replace(one, depends_on={key: value for key, value in one.depends_on.items() if key in services})
        for name, one in services.items()
    }
    used = {key for one in kept.values() for key in one.networks}
    networks = {key: one for key, one in app.networks.items() if key in used or ("networks", key) in app.locations}
    return replace(app, services=kept, networks=networks)
