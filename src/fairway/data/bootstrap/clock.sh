# systemd-timesyncd keeps the time.
packages systemd-timesyncd
systemctl enable -q --now systemd-timesyncd.service 2>/dev/null
if systemctl is-active -q systemd-timesyncd.service; then say clock systemd-timesyncd; fi
