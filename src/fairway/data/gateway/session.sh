# What a deployer's shell in the gateway's container knows. Every call comes as one compound command, so a shell whose
# deployer dies has either read all of it, and does all of it, or does nothing. A process costs more than all that the
# shell does itself, so there are few.
trap '' PIPE
cd /etc/fairway
umask 077
cds=cluster_manager.cds
lds=listener_manager.lds
rds=http.ingress.rds.fairway
facts="/stats?filter=%5E(($cds%7C$lds%7C$rds).(version_text%7Cupdate_rejected%7Cupdate_failure)%7Ccluster_manager.warming_clusters)%24"

# ask PATH: an answer of Envoy's admin interface
ask() { curl -s -m 5 --unix-socket /run/fairway/admin.sock "http://envoy$1"; }

# looks: its process, then the facts, again and again, a line with a dot after each: one process for all looks of a change
looks() {
    exec sh -c 'echo $$; exec curl -sN -m 5 --rate 200/s -w "%{stderr}.\n" --unix-socket /run/fairway/admin.sock "$1"' \
        looks "http://envoy$facts&look=[1-9999]" 2>&1
}

# look: the next of the looks; into $now, the versions that are live, how many were refused, what is not yet warm; into
# $refused, the refusals
look() {
    now=
    while read -r fact; do
        [ "$fact" != . ] || break
        now="$now$fact
"
    done
    refused=
    for of in $cds $lds $rds; do
        for counter in $of.update_rejected $of.update_failure; do
            rest=${now#*"$counter: "}
            refused="$refused ${rest%%[!0-9]*}"
        done
    done
}

# has FILE VERSION: whether the file that Envoy reads is still the one the deployer has seen
has() {
    read -r first <"$1.json"
    case "$first" in '{"version_info":"'"$2"'"'*) ;; *) return 75 ;; esac
}

# push FILE NEW VERSION: NEW becomes FILE.json, which Envoy reads; 0 when it is live, 3 when Envoy refused it, 4 when
# it did not answer in time. $before is what `look` found in $refused before; what `looks` says is the standard input.
push() {
    case $1 in cds) live=$cds ;; lds) live=$lds ;; *) live=$rds ;; esac
    live="$live.version_text: \"$3\""
    mv -f "$2" "$1.json"
    tries=0
    while [ $tries -lt 1000 ]; do
        look
        case "$now" in
        *"$live"*) case "$now" in *'warming_clusters: 0'*) return 0 ;; esac ;;
        *'version_text'*) [ "$refused" = "$before" ] || return 3 ;;
        esac
        tries=$((tries + 1))
    done
    return 4
}

# undo FILE VERSION: if it is another one now, the file of this version, which `keep` has kept, is pushed again. Both take no
# room on the disk, which may be full.
[ -d kept ] || mkdir kept
keep() { ln -f cds.json lds.json rds.json kept/; }
undo() {
    has "$1" "$2" && return
    look
    before=$refused
    ln -f "kept/$1.json" "$1.old"
    push "$1" "$1.old" "$2"
}
