# A gateway of a Swarm, before its Envoy starts: what it needs to read is there, and is what the others have.
followed && current=yes
listen &
listener=$!
printf %s "$FAIRWAY_LDS" >lds.new && mv -f lds.new lds.json
for file in /run/fairway/first/*; do
    [ -e "${file##*/}" ] || cp "$file" .
done
catch_up
[ "${current:-}" ] || {
    until followed; do sleep 20; done
    kill -HUP $listener
} &

# parting: whoever leads users here is told not to; then no new connections, and users are asked to close those that they
# have; most do within 20 seconds
parting() {
    curl -s -m 5 -X POST --unix-socket /run/fairway/admin.sock http://envoy/healthcheck/fail >/dev/null
    sleep 4
    curl -s -m 5 -X POST --unix-socket /run/fairway/admin.sock http://envoy/drain_listeners >/dev/null
    for _ in $(seq 100); do
        case "$(curl -s -m 5 --unix-socket /run/fairway/admin.sock 'http://envoy/stats?filter=%5Ehttp.ingress.downstream_cx_active%24')" in
        *': 0') return ;;
        esac
        sleep 0.2
    done
}
