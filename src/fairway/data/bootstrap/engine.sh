# Debian's engine, where there is none, and it runs.
if [ "$install" = yes ]; then
    set -- docker.io ca-certificates
    # newer releases have the command line in a package of its own; with AppArmor in the kernel no container starts without its tools
    if apt-cache show docker-cli >/dev/null 2>&1; then set -- "$@" docker-cli; fi
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then set -- "$@" apparmor; fi
    packages "$@"
fi
if has_systemd; then systemctl enable -q docker.service 2>/dev/null; fi
if ! comes_up start; then
    if [ -e "$undo" ]; then
        why=$said
        put_back
        comes_up restart || fail "$said"
        said="daemon.json was put back: $why"
    else
        fail "$said"
    fi
fi
say engine "$(dockerd --version)"
