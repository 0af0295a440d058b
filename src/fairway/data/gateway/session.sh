# What a deployer's shell in the gateway's container knows. Every call comes as one compound command, so a shell whose
# deployer dies has either read all of it, and does all of it, or does nothing.
trap '' PIPE
cd /etc/fairway
umask 077

# ask PATH: an answer of Envoy's admin interface
ask() { curl -s -m 5 --unix-socket /run/fairway/admin.sock "http://envoy$1"; }

# facts FILTER: the version that is live, what was refused, what is not yet warm
facts() { ask "/stats?filter=%5E($1%5C.(version_text%7Cupdate_rejected%7Cupdate_failure)%7Ccluster_manager%5C.warming_clusters)%24"; }

# refused FACTS: the two counters in one word
refused() { printf '%s\n' "$1" | sed -n 's/.*update_\(rejected\|failure\): /\1/p' | tr -d '\n'; }

# has FILE VERSION: whether the file that Envoy reads is still the one the deployer has seen
has() { case "$(head -c 64 "$1.json")" in '{"version_info":"'"$2"'"'*) return 0 ;; esac; return 75; }

# push FILE FILTER NAME VERSION: FILE.new becomes what Envoy reads; 0 when it is live, 3 when Envoy refused it, 4 when it did
# not answer in time. Unless it is live, the file before it is back in its place.
push() {
    before=$(refused "$(facts "$2")")
    sync "$1.new"
    ln -f "$1.json" "$1.before"
    mv -f "$1.new" "$1.json"
    tries=0
    while :; do
        now=$(facts "$2")
        case "$now" in
        *"$3.version_text: \"$4\""*) case "$now" in *'warming_clusters: 0'*) return 0 ;; esac ;;
        *) [ -n "$now" ] && [ "$(refused "$now")" != "$before" ] && mv -f "$1.before" "$1.json" && return 3 ;;
        esac
        tries=$((tries + 1))
        [ $tries -gt 500 ] && mv -f "$1.before" "$1.json" && return 4
        sleep 0.005
    done
}
