#!/usr/bin/env bash
# Makes the root of each image: the binary, the libraries that it needs, the authorities that it
# trusts, a user without rights, and the list of what it was made of. Nothing else: no shell.
#
#   build.sh OUT [vault|router|migrate...]     all three unless named
#
# OUT/NAME/root becomes an image with any builder that knows a Dockerfile:
#   docker build --tag keyway-NAME:VERSION OUT/NAME
# KEYWAY_PROFILE chooses cargo's profile: release unless set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
out=${1:?usage: build.sh OUT [vault|router|migrate...]}
shift
images=("$@")
[ $# -gt 0 ] || images=(vault router migrate)
profile=${KEYWAY_PROFILE:-release}
folder=$profile
[ "$profile" != dev ] || folder=debug
target=${CARGO_TARGET_DIR:-target}
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

declare -A package=([vault]=keyway-vault [router]=keyway-router [migrate]=keyway-migrations)
for image in "${images[@]}"; do
    [ -n "${package[$image]:-}" ] || { echo "no image is called $image; there are: ${!package[*]}" >&2; exit 2; }
done
packages=()
for image in "${images[@]}"; do packages+=(-p "${package[$image]}"); done
cargo build --quiet --profile "$profile" --bins "${packages[@]}"

# One file into a root, under the path that it has here, links followed.
take() { install -D -m "$1" "$2" "$root$2"; }

for image in "${images[@]}"; do
    binary="$target/$folder/keyway-$image"
    root="$out/$image/root"
    rm -rf "$out/$image"
    mkdir -p "$root/etc" "$root/var/lib/keyway" # where a volume that may be written belongs
    install -m 0555 "$binary" "$root/keyway-$image"
    [ "$profile" != release ] || strip --strip-debug "$root/keyway-$image"
    # What the dynamic linker will load, the linker itself among it.
    ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do take 0555 "$library"; done
    take 0444 "$authorities"
    printf 'keyway:x:65532:65532::/:/nothing\n' >"$root/etc/passwd"
    printf 'keyway:x:65532:\n' >"$root/etc/group"
    printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
    python3 "$here/sbom.py" "${package[$image]}" >"$root/keyway-$image.cdx.json"
    find "$root" -maxdepth 2 -type f ! -perm -0100 -exec chmod 0444 {} +
    cat >"$out/$image/Dockerfile" <<END
FROM scratch
COPY root/ /
USER 65532:65532
ENTRYPOINT ["/keyway-$image"]
END
    printf '%-8s %6s KiB, %3s packages\n' "$image" "$(du -sk "$root" | cut -f 1)" \
        "$(grep -c '"type": "library"' "$root/keyway-$image.cdx.json")"
done
