# What a gateway and a courier of a Swarm have in common. Both have the same secret: a certificate, with its key, that is the
# only one they trust. Whoever shows it gets a shell here; so a deployer reaches every gateway through the courier of
# whichever manager he speaks to, and whoever starts gets from the others what was said while he was away. Another certificate
# follows this one before it ends: couriers have it first, and give it to whoever shows the one before.
umask 077
trap '' PIPE
cd /etc/fairway || exit
tar -xf /run/secrets/fairway --no-same-owner -C /run/fairway || exit
cp /run/fairway/member.pem /run/fairway/trusted.pem
if [ -e /run/secrets/fairway-before ]; then
    tar -xOf /run/secrets/fairway-before member.pem >/run/fairway/before.pem || exit
    cat /run/fairway/before.pem >>/run/fairway/trusted.pem
fi
cat >/run/fairway/common <<.
foreground = yes
syslog = no
debug = err
CAfile = /run/fairway/trusted.pem
verifyPeer = yes
sslVersionMin = TLSv1.3
TIMEOUTconnect = 3
TIMEOUTidle = 3600
TIMEOUTclose = 10
socket = a:SO_REUSEADDR=1
socket = l:SO_KEEPALIVE=1
socket = l:TCP_KEEPIDLE=10
socket = l:TCP_KEEPINTVL=5
socket = l:TCP_KEEPCNT=3
socket = r:SO_KEEPALIVE=1
socket = r:TCP_KEEPIDLE=10
socket = r:TCP_KEEPINTVL=5
socket = r:TCP_KEEPCNT=3
.
# sh /run/fairway/reach ADDRESS [PORT]: a shell there, connected to standard input and output; where there is a certificate
# before this one, as whom the other one knows
cat >/run/fairway/reach <<'.'
as() {
    exec 3<<E
$(cat /run/fairway/common)
cert = $1
client = yes
connect = $2:${3:-9902}
E
    exec stunnel4 -fd 3
}
mine=/run/fairway/member.pem
if [ -e /run/fairway/before.pem ] && [ "$(echo 'echo here; exit' | as $mine "$1" 2>/dev/null)" != here ]; then
    mine=/run/fairway/before.pem
fi
as $mine "$@"
.

# listen: serves such shells; and who has the certificate before this one gets this one
listen() {
    {
        cat /run/fairway/common
        printf '%s\n' 'cert = /run/fairway/member.pem' 'pid =' \
            '[member]' 'accept = 9902' 'libwrap = no' 'exec = /bin/sh' 'execArgs = sh'
        [ ! -e /run/fairway/before.pem ] || printf '%s\n' \
            '[follower]' 'cert = /run/fairway/before.pem' 'CAfile = /run/fairway/before.pem' \
            'accept = 9903' 'libwrap = no' 'exec = /bin/cat' 'execArgs = cat /run/secrets/fairway'
    } >/run/fairway/listen
    exec stunnel4 /run/fairway/listen
}

# followed: takes the certificate that has followed this one; 1 where none has
followed() {
    for peer in $(getent ahostsv4 tasks.fairway-courier | cut -d' ' -f1 | sort -u); do
        timeout 20 sh /run/fairway/reach "$peer" 9903 </dev/null 2>/dev/null | tar -xOf - member.pem >/run/fairway/next.pem 2>/dev/null
        grep -q 'END .* KEY' /run/fairway/next.pem || continue
        cat /run/fairway/next.pem /run/fairway/member.pem >/run/fairway/trusted.new
        mv -f /run/fairway/trusted.new /run/fairway/trusted.pem && mv -f /run/fairway/next.pem /run/fairway/member.pem
        return 0
    done
    return 1
}

# catch_up: the tables and certificates of whoever knows of the latest change, unless that is this one
catch_up() {
    for peer in $(getent ahostsv4 tasks.fairway-gateway tasks.fairway-courier | cut -d' ' -f1 | sort -u); do
        theirs=$(echo 'cat /etc/fairway/serial 2>/dev/null; exit' | timeout 10 sh /run/fairway/reach "$peer" 2>/dev/null)
        ours=$(cat serial 2>/dev/null)
        [ "${theirs:-0}" -gt "${ours:-0}" ] 2>/dev/null || continue
        rm -rf next && mkdir next
        echo 'cd /etc/fairway; exec 9>>lock; flock -w 10 9 && tar -cf - cds.json rds.json serial $(ls edge-*.json edge-*.pem 2>/dev/null); exit' \
            | timeout 60 sh /run/fairway/reach "$peer" | tar -xf - --no-same-owner -C next && [ -s next/serial ] || continue
        for file in next/*.pem next/edge-*.json next/cds.json next/rds.json next/serial; do
            [ ! -e "$file" ] || mv -f "$file" .
        done
    done
    rm -rf next
}
