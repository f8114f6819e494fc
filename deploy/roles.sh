#!/bin/sh
# Makes the role that serve has, when the database is made. What it may do `countersign
# migrate` grants.
set -eu
: "${SERVE_PASSWORD:?set it in .env: the role that serve has needs a password}"
psql -v ON_ERROR_STOP=1 -v password="$SERVE_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE countersign_serve LOGIN PASSWORD :'password';
SQL
