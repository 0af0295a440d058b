# What every step knows. A step answers with lines KEY=VALUE; what may have several lines goes as KEY.64=BASE64. Where it
# fails, it says why on standard error. All of it comes as one compound command: a connection that is lost half-way has either
# started nothing or is carried on to the step's end, for nothing is written before that.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
config=/etc/docker/daemon.json
undo=$config.fairway-undo
restart=/run/fairway-docker-restart

say() { printf '%s=%s\n' "$1" "$(printf %s "$2" | tr -d '\r' | tr '\n' ' ')"; }
pack() { printf '%s.64=%s\n' "$1" "$(base64 | tr -d '\n')"; }
fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# patiently COMMAND...: waits up to five minutes for whoever else installs packages; $said has the command's words
patiently() {
    tries=0
    until said=$("$@" 2>&1); do
        case $said in *'ould not get lock'* | *'locked by another process'*) ;; *) return 1 ;; esac
        tries=$((tries + 1))
        [ $tries -lt 150 ] || return 1
        sleep 2
    done
}

# packages NAME...: Debian's, after what an interrupted run has left behind is put right; none that is there goes for them
packages() {
    patiently dpkg --force-confold --configure -a || fail "$said"
    patiently timeout 180 apt-get update -q || patiently timeout 180 apt-get update -q || fail "apt-get update: $said"
    # the first run's apt-get may be at it still
    patiently timeout 900 apt-get install -yq --no-install-recommends --no-remove -o Dpkg::Options::=--force-confold \
        -o DPkg::Lock::Timeout=300 "$@" || fail "apt-get install: $(printf %s "$said" | tail -n 15)"
}

has_systemd() { [ -d /run/systemd/system ]; }

# manage start|restart: the engine
manage() {
    if has_systemd; then
        systemctl reset-failed docker.service docker.socket 2>/dev/null
        systemctl "$1" docker.service
    else
        service docker "$1"
    fi
}

engine_pid() {
    pid=$(cat /run/docker.pid 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && echo "$pid"
}

ask_engine() { timeout 20 docker -H unix:///var/run/docker.sock "$@" 2>/dev/null; }

answers() {
    if command -v docker >/dev/null; then ask_engine version >/dev/null; else engine_pid >/dev/null && [ -S /var/run/docker.sock ]; fi
}

# comes_up start|restart: until it answers; $said has the words of what failed
comes_up() {
    patience=60
    said=$(manage "$1" 2>&1) || patience=10
    tries=0
    until answers; do
        tries=$((tries + 1))
        if [ $tries -ge $patience ] || { has_systemd && systemctl is-failed -q docker.service; }; then
            has_systemd && said=$(journalctl -u docker.service -n 12 --no-pager -o cat)
            return 1
        fi
        sleep 0.5
    done
}

# put_back: the daemon.json from before the last change; an empty one stands for none
put_back() {
    if [ -s "$undo" ]; then mv -f "$undo" "$config"; else rm -f "$undo" "$config"; fi
    rm -f "$restart"
}
