#!/usr/bin/env bash
# Builds the images' roots and runs each binary inside its own: the root of the file system is the
# image, read-only, and the user has no rights. The three work together as in a cluster, on SQLite
# in the one folder that may be written. Needs root, for chroot and mounts, and openssl.
#
#   images.sh [FOLDER]      FOLDER has the roots already; otherwise they are made for this run
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait || true
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "images: $*" >&2; exit 1; }

images=${1:-$work/images}
[ $# -gt 0 ] || KEYWAY_PROFILE=dev deploy/image/build.sh "$images"
at=/var/lib/keyway
mkdir "$work/state"
deploy/tls/throw-away-ca.sh "$work/state/tls" localhost spiffe://keyway/router/image >/dev/null 2>&1
chown -R 65532:65532 "$work/state"

# inside IMAGE COMMAND...: in the image's root, which nobody can change, as the image's user.
inside() {
    local root="$images/$1/root"
    shift
    # shellcheck disable=SC2016
    exec unshare --mount bash -c '
        set -e
        root=$1 state=$2; shift 2
        mount --bind "$root" "$root"
        mount --bind "$state" "$root/var/lib/keyway"
        mount -o remount,ro,bind "$root"
        exec env -i "$(command -v chroot)" --userspec=65532:65532 "$root" "$@"' - "$root" "$work/state" "$@"
}

for image in vault router migrate; do
    root="$images/$image/root"
    [ -z "$(find "$root" -perm /6000)" ] || fail "$image has a file that changes who runs it"
    [ -z "$(find "$root" -type f -perm /0222)" ] || fail "$image has a file that can be written"
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); sys.exit(d["bomFormat"] != "CycloneDX" or len(d["components"]) < 20)' \
        "$root/keyway-$image.cdx.json" || fail "$image has no list of parts"
    (inside "$image" "/keyway-$image" --version) || fail "$image does not start"
done
if (inside vault /keyway-vault new-master-key --out /etc/key) 2>"$work/refused"; then
    fail 'the root of the image can be written'
fi
grep -q 'Read-only file system' "$work/refused" || fail "refused for another reason: $(cat "$work/refused")"

(inside migrate /keyway-migrate vault --database $at/vault.db)
(inside migrate /keyway-migrate router --database $at/router.db)
(inside vault /keyway-vault new-master-key --out $at/master.key)

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
data=$(free) vault=$(free) router=$(free)
cat >"$work/state/vault.toml" <<END
routers = ["image=spiffe://keyway/router/image"]
database.path = "$at/vault.db"
master_key.file = "$at/master.key"
admin.listen = "127.0.0.1:0"
operations.listen = "127.0.0.1:$vault"
[data]
listen = "127.0.0.1:$data"
tls.certificate = "$at/tls/server.pem"
tls.key = "$at/tls/server.key"
tls.client_auth = "required"
tls.client_ca = "$at/tls/ca.pem"
END
cat >"$work/state/router.toml" <<END
ledger.path = "$at/router.db"
calls.listen = "127.0.0.1:0"
operations.listen = "127.0.0.1:$router"
[vault]
endpoint = "https://127.0.0.1:$data"
tls.ca = "$at/tls/ca.pem"
tls.certificate = "$at/tls/router.pem"
tls.key = "$at/tls/router.key"
END
for image in vault router; do
    (inside "$image" "/keyway-$image" --config "$at/$image.toml") >"$work/$image.log" 2>&1 &
    pids+=($!)
done

# ready NAME PORT: its /readyz says so within 30 s.
ready() {
    python3 - "$2" <<'END' || { cat "$work/$1.log"; fail "$1 is not ready"; }
import sys, time, urllib.request
end = time.monotonic() + 30
while True:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2)
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.1)
END
}
ready vault "$vault"
ready router "$router"
for pid in "${pids[@]}"; do [ "$(stat -c %u "/proc/$pid")" = 65532 ] || fail "process $pid has another user"; done
kill "${pids[@]}"
for pid in "${pids[@]}"; do
    code=0
    wait "$pid" || code=$?
    [ "$code" -eq 0 ] || fail "a service ended with $code"
done
pids=()
echo '3 images: read-only, without rights, and they work together'
