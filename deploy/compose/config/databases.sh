#!/usr/bin/env bash
# Run by the entrypoint of the image postgres while its data folder is new: a role and a database for each service.
set -eu
for service in vault router; do
    psql --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 <<SQL
\\set password \`cat /etc/keyway/$service-password\`
CREATE ROLE $service LOGIN PASSWORD :'password';
CREATE DATABASE $service OWNER $service;
REVOKE ALL ON DATABASE $service FROM PUBLIC;
SQL
done
