#!/usr/bin/env bash
# Makes what compose.yaml mounts, in state/ beside it: passwords, a CA, certificates. What is there stays.
#
#   prepare.sh          once, before the first start
#   prepare.sh renew    new certificates of the same CA; the running services read them within seconds, NATS by SIGHUP
#
# As root it gives all of it to user 65532, as another user it is that user's, and the services run as whom it belongs to.
# Needs openssl. Keep a copy of state/vault/master-keys elsewhere: without it every stored key is lost.
set -euo pipefail
umask 077
cd "$(dirname "$0")"
mkdir -p state && cd state
mkdir -p ca postgres nats nats-data migrate-vault migrate-router vault/master-keys router operator

# password FILE...: the same new password into all, unless they are there.
password() {
    [ -e "$1" ] && return
    openssl rand -hex 24 | tee "$@" >/dev/null
}
password postgres/superuser-password
password postgres/vault-password vault/database-password migrate-vault/database-password
password postgres/router-password router/database-password migrate-router/database-password
if [ ! -e router/nats-login ]; then
    nats=$(openssl rand -hex 24)
    printf 'keyway:%s\n' "$nats" >router/nats-login
    cat >nats/nats.conf <<END
listen: "0.0.0.0:4222"
jetstream { store_dir: "/data", sync_interval: always }
tls { cert_file: "/etc/keyway/server.pem", key_file: "/etc/keyway/server.key" }
authorization { user: keyway, password: "$nats" }
END
fi

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# certificate NAME PURPOSE ALTERNATIVE_NAMES: NAME.key and NAME.pem, put in place whole.
certificate() {
    [ -e "$1.pem" ] && [ "${renew:-}" = "" ] && return
    new_key "$1.key.new"
    openssl req -new -key "$1.key.new" -subj "/CN=keyway" |
        openssl x509 -req -CA ca/ca.pem -CAkey ca/ca.key -days 365 -out "$1.pem.new" \
            -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$3" "$2") 2>/dev/null
    mv "$1.key.new" "$1.key"
    mv "$1.pem.new" "$1.pem"
}
[ "${1:-}" = renew ] && renew=1
if [ ! -e ca/ca.pem ]; then
    new_key ca/ca.key
    openssl req -x509 -new -key ca/ca.key -subj "/CN=Keyway of $(hostname)" -days 3650 -out ca/ca.pem
fi
here="DNS:localhost,IP:127.0.0.1"
certificate nats/server serverAuth "DNS:nats,$here"
certificate vault/server serverAuth "DNS:vault,$here"
certificate router/server serverAuth "DNS:router,$here"
certificate router/client clientAuth "URI:spiffe://keyway/router/compose"
cp ca/ca.pem vault/ca.pem
cp ca/ca.pem router/ca.pem
cp ca/ca.pem ca.pem

user="$(id -u):$(id -g)"
if [ "$(id -u)" -eq 0 ]; then
    user=65532:65532
    chown -R "$user" .
fi
# The image's own user reads these in the container; here nobody gets past the folder above.
chmod 0755 postgres
chmod 0444 postgres/*
printf 'KEYWAY_USER=%s\n' "$user" >../.env
