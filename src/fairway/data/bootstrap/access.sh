# $user may use the engine.
getent group docker >/dev/null || groupadd --system docker || fail "there can be no group docker"
said=$(gpasswd -a "$user" docker 2>&1) || fail "$said"
