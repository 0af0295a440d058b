# The gateway's first process: it passes signals on, reaps what a killed deployer left behind, and ends as Envoy ends.
# The arguments are Envoy's. Only the first start of a container may take over from another Envoy (a hot restart);
# after a crash there is nobody to take over from.
epoch=0
if [ "${FAIRWAY_EPOCH:-0}" -gt 0 ] && mkdir "/etc/fairway/generations/$FAIRWAY_GENERATION" 2>/dev/null; then
    epoch=$FAIRWAY_EPOCH
fi
envoy --restart-epoch "$epoch" "$@" &
pid=$!
trap 'kill -TERM $pid' TERM INT
wait $pid
code=$?
while kill -0 $pid 2>/dev/null; do
    wait $pid
    code=$?
done
exit $code
