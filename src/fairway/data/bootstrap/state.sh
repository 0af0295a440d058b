# What there is already of a Docker host, asked as root; $user is who logs in. Nothing is changed.
if has_systemd; then say systemd yes; fi
set -- $(df -Pk /var/lib | tail -n 1)
say free "$4"

say dockerd "$(command -v dockerd)"
if command -v dockerd >/dev/null; then say engine "$(dockerd --version)"; fi
if [ -e /snap/bin/docker ]; then say snap yes; fi
say unfinished "$(dpkg --audit | head -c 300)"
if answers; then say answers yes; fi
if command -v docker >/dev/null; then
    say info "$(ask_engine info --format '{{.LiveRestoreEnabled}} {{.ContainersRunning}} {{.Swarm.LocalNodeState}}')"
    say gateway "$(ask_engine container inspect --format '{{.State.Running}}' fairway-gateway)"
fi
{
    if pid=$(engine_pid); then tr '\0' '\n' <"/proc/$pid/cmdline"; fi
    if has_systemd; then systemctl show docker.service --property ExecStart | tr ' ' '\n'; fi
    if [ -r /etc/default/docker ]; then sed -n 's/^ *DOCKER_OPTS=//p' /etc/default/docker | tr -d \"\' | tr ' ' '\n'; fi
} | pack words

if [ -e "$config" ]; then
    say configured yes
    pack config <"$config"
fi
if [ -e "$undo" ]; then say undo yes; fi
if [ "$restart" -nt /run/docker.pid ]; then say restart yes; fi

case " $(id -nG "$user") " in *' docker '*) say member yes ;; esac

for comm in /proc/[0-9]*/comm; do
    { read -r name <"$comm"; } 2>/dev/null || continue
    case $name in systemd-timesyn* | chronyd | ntpd | ntpsec | openntpd | phc2sys) say clock "$name" ;; esac
done
for name in chronyd ntpd openntpd; do
    if command -v $name >/dev/null; then say keeper $name; fi
done
if command -v systemd-detect-virt >/dev/null && systemd-detect-virt -cq; then say container yes; fi
