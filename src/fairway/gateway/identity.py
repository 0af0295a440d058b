"""What a gateway shows to those of other hosts: brought to its volume, and exchanged while it serves.

Certificate, key and authorities have files of their own, named after what is in them and never changed. Two small files
say which of them count, and Envoy watches those: so a certificate never meets another one's key, and what Envoy prints
when it refuses a file has no key in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from fairway.model.peers import Identity
from fairway.render.envoy import Discovery, discovery
from fairway.render.envoy_tls import AUTHORITY, DIRECTORY, IDENTITY, authority_file, identity_file

_NEWS = f"""swap() {{
cp "$1.json" "/run/fairway/$1.json" && mv -f "$1.$2.new" "$1.json" || return 1
tries=0
while [ $tries -lt 500 ]; do
case "$(ask "/stats?filter=%5Esds%5C.$1%5C.version_text%24")" in *'"'"$2"'"'*) return 0 ;; esac
tries=$((tries + 1))
sleep 0.005
done
cp "/run/fairway/$1.json" "$1.old" && mv -f "$1.old" "$1.json"
return 4
}}
tidy() {{
for file in {IDENTITY}-*.pem {AUTHORITY}-*.pem *.new; do
case " $* " in *" $file "*) ;; *) rm -f "$file" ;; esac
done
}}
"""


class Delivery(Struct, frozen=True):
    """`contents` by name of the file, for its owner alone; `secrets` says which of them count."""

    contents: Mapping[str, bytes]
    secrets: Mapping[str, Discovery]

    @classmethod
    def of(cls, identity: Identity) -> Delivery:
        """The names depend on the certificates alone."""
        certificate = f"{IDENTITY}-{_hash(identity.certificate)}.pem"
        key = f"{IDENTITY}-{_hash(identity.certificate)}-key.pem"
        trusted = f"{AUTHORITY}-{_hash(identity.trusted)}.pem"
        secrets = {
            AUTHORITY: discovery([authority_file(f"{DIRECTORY}/{trusted}")]),
            IDENTITY: discovery([identity_file(f"{DIRECTORY}/{certificate}", f"{DIRECTORY}/{key}")]),
        }
        texts = {
            certificate: identity.certificate.encode(),
            key: bytes(identity.key),
            trusted: identity.trusted.encode(),
        }
        return cls(texts, secrets)

    def for_start(self) -> dict[str, bytes]:
        """All files as an Envoy that is not there yet will find them."""
        return {**self.contents, **{f"{name}.json": file.body.encode() for name, file in self.secrets.items()}}

    def for_exchange(self) -> dict[str, bytes]:
        """All files beside those that Envoy reads now; `exchange` then makes them count."""
        news = {f"{name}.{file.version}.new": file.body.encode() for name, file in self.secrets.items()}
        return {**self.contents, **news}

    def exchange(self) -> str:
        """A script for the session: first whom it trusts, then who it is; 0 once both are live, 4 where Envoy does not take one,
        and then that one is as before. Connections that are open stay open."""
        swaps = "".join(f"swap {name} {file.version} || return $?\n" for name, file in self.secrets.items())
        return f"""{_NEWS}exec 9>>lock
exchange() {{
flock -w 10 9 || return 73
{swaps}tidy {" ".join(self.contents)}
}}
exchange
code=$?
flock -u 9
exec 9>&-
(exit $code)"""


def shown(identity_json: bytes) -> str:
    """The name of the file with the certificate that counts."""
    [secret] = msgspec.json.decode(identity_json)["resources"]
    return str(secret["tls_certificate"]["certificate_chain"]["filename"]).rpartition("/")[2]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
