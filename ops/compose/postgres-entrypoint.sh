#!/usr/bin/env bash
# Start PostgreSQL's image with the user, password and database of DATABASE_URL, which all services share.
set -euo pipefail

refuse() {
    echo "DATABASE_URL $1: write postgresql://USER:PASSWORD@postgres:5432/DATABASE in .env, and in" \
        "a password / : @ # as %2F %3A %40 %23." >&2
    exit 1
}

decode() {
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

url=${DATABASE_URL:-}
form='^postgres(ql)?://([^:@/?#]+)(:([^@/?#]*))?@([^:@/?#]+)(:([0-9]+))?/([^/?#]+)(\?.*)?$'
[ -n "$url" ] || refuse "is not set"
[[ $url =~ $form ]] || refuse "is not of the form that is needed here"
user=${BASH_REMATCH[2]} password=${BASH_REMATCH[4]} host=${BASH_REMATCH[5]}
port=${BASH_REMATCH[7]:-5432} database=${BASH_REMATCH[8]}
[[ ${user}${password}${database} =~ ^([^%]|%[0-9A-Fa-f]{2})*$ ]] || refuse "has a % that is no %XX"
[ -n "$password" ] || refuse "has no password"
[ "$host" = postgres ] || refuse "names the server $host, but here it is postgres"
[ "$port" = 5432 ] || refuse "names the port $port, but here it is 5432"

POSTGRES_USER=$(decode "$user")
POSTGRES_PASSWORD=$(decode "$password")
POSTGRES_DB=$(decode "$database")
export POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB
printf '[forecast]\nuser=%s\ndbname=%s\n' "$POSTGRES_USER" "$POSTGRES_DB" >"$PGSERVICEFILE"
exec docker-entrypoint.sh "$@"
