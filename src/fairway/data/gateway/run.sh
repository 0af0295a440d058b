# The gateway's first process: it passes signals on, reaps what a killed deployer left behind, and ends as Envoy ends.
# The arguments are Envoy's. Only at its very first start may a container take over from the Envoy before it (a hot
# restart, in FAIRWAY_EPOCH); after a crash there is nobody to take over from.
#
# An Envoy and its successors share a number (their base); every other one needs its own, also beside one that still
# answers its last requests.
base=${FAIRWAY_BASE:-0}
epoch=${FAIRWAY_EPOCH:-0}
generation=/etc/fairway/generation
if [ "$epoch" -gt 0 ]; then
    [ "$(cat $generation 2>/dev/null)" = "$FAIRWAY_GENERATION" ] && epoch=0
    echo "$FAIRWAY_GENERATION" >$generation
fi
[ "$epoch" -gt 0 ] || base=$(($(od -An -N3 -tu4 /dev/urandom) + 1))
envoy --base-id "$base" --restart-epoch "$epoch" "$@" &
pid=$!
type parting >/dev/null 2>&1 || parting() { :; }
trap 'parting; kill -TERM $pid' TERM INT
wait $pid
code=$?
while kill -0 $pid 2>/dev/null; do
    wait $pid
    code=$?
done
exit $code
