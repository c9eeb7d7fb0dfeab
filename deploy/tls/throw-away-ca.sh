#!/usr/bin/env sh
# Makes a certificate authority for trying things out, a server's certificate and a router's.
# Its key stays beside the certificates: do not use it for anything that matters.
#
#   throw-away-ca.sh FOLDER [HOST [ROUTER_URI]]
set -eu
umask 077
folder=${1:?usage: throw-away-ca.sh FOLDER [HOST [ROUTER_URI]]}
host=${2:-localhost}
uri=${3:-spiffe://keyway/router/local}
mkdir -p "$folder"
cd "$folder"

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

sign() { # NAME EXTENSIONS
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf '%b' "$2" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 7 -extfile "$1.ext" -out "$1.pem"
    rm "$1.csr" "$1.ext"
}

new_key ca.key
openssl req -x509 -new -key ca.key -subj "/CN=Keyway throw-away CA" -days 7 -out ca.pem
sign server "subjectAltName=DNS:$host,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
sign router "subjectAltName=URI:$uri\nextendedKeyUsage=clientAuth\n"
echo "made ca.pem, server.pem and server.key, router.pem and router.key in $folder; they end in 7 days"
