# What this is, asked as the user who has logged in. Nothing is changed.
ID='' VERSION_ID='' PRETTY_NAME=''
[ ! -r /etc/os-release ] || . /etc/os-release
say os "$ID"
say version "$VERSION_ID"
say name "${PRETTY_NAME:-$(uname -sr)}"
say arch "$(uname -m)"
say user "$(id -un)"
say uid "$(id -u)"
if [ "$(id -u)" = 0 ]; then
    say root yes
elif ! command -v sudo >/dev/null; then
    say why "there is no sudo"
elif said=$(sudo -n true 2>&1); then
    say root yes
else
    say why "$said"
fi
