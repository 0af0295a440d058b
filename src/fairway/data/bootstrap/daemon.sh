# /etc/docker/daemon.json becomes $new, where $write says so; then $apply: restart, reload or nothing. What the engine does not
# come up with is put back. $restarts: whether only a restart can apply all of it.
if [ "$write" = yes ]; then
    mkdir -p /etc/docker
    draft=$config.fairway-new
    printf %s "$new" >"$draft" && chmod 0644 "$draft" || fail "$draft cannot be written"
    if dockerd --help 2>/dev/null | grep -q -e '--validate'; then
        if ! said=$(dockerd --validate --config-file "$draft" 2>&1); then
            rm -f "$draft"
            fail "$said"
        fi
    fi
    if [ -e "$config" ]; then
        [ -e "$config.before-fairway" ] || cp -p "$config" "$config.before-fairway" || fail "$config cannot be kept"
        cp -p "$config" "$undo" || fail "$config cannot be kept"
    else
        : >"$undo"
    fi
    [ "$restarts" != yes ] || : >"$restart"
    sync "$draft"
    mv -f "$draft" "$config"
fi
case $apply in
restart)
    if ! comes_up restart; then
        why=$said
        [ -e "$undo" ] || fail "$why"
        put_back
        comes_up restart || fail "$why
daemon.json was put back, and it does not come up with the old one either: $said"
        fail "$why
daemon.json was put back, and the engine runs with the old one"
    fi
    rm -f "$restart"
    ;;
reload)
    kill -HUP "$(engine_pid)"
    tries=0
    until [ "$(ask_engine info --format '{{.LiveRestoreEnabled}}')" = true ]; do
        tries=$((tries + 1))
        if [ $tries -ge 20 ]; then
            [ ! -e "$undo" ] || put_back
            fail "the engine was told to read daemon.json again, and live-restore is still off: its log says why"
        fi
        sleep 0.5
    done
    ;;
esac
rm -f "$undo"
