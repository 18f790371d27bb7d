#!/bin/sh
# Dumps the database into a file of its own, and keeps the newest ones.
set -eu
umask 077
export LC_ALL=C

say() {
    printf 'backup: %s\n' "$*" >&2
}

# Removes the oldest dumps but $1. Their names sort by time.
keep() {
    most=$1
    set -- "$BACKUPS/$DATABASE"-*.dump
    while [ $# -gt "$most" ]; do
        say "removing $1"
        rm -f "$1"
        shift
    done
    kept=$#
}

# Leaves on the server when the last dump was begun, where its exporter shows it: as the connection
# limit of a role that cannot log in, and for which a limit has no other meaning. It is in minutes,
# since 1970, so that it is no larger than a limit may be.
leave_mark() {
    PGOPTIONS='-c default_transaction_read_only=off -c client_min_messages=warning' \
        psql --no-psqlrc --no-password --quiet --dbname=postgres \
        --set=ON_ERROR_STOP=1 --set=minute="$1" <<'SQL'
SELECT 'CREATE ROLE last_backup NOLOGIN'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'last_backup') \gexec
ALTER ROLE last_backup WITH NOLOGIN CONNECTION LIMIT :minute;
SQL
}

minute=$(($(date +%s) / 60))
rm -f "$BACKUPS"/*.partial
# Room for one more; a volume that is full would otherwise stay full.
[ "$KEEP" -eq 1 ] || keep $((KEEP - 1))
file=$BACKUPS/$DATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump
say "dumping $DATABASE to $file"
# Rather fail than make everybody wait who waits for the same lock.
pg_dump --format=custom --no-password --lock-wait-timeout=300000 --file="$file.partial" "$DATABASE"
pg_restore --list "$file.partial" > /dev/null
sync "$file.partial"
mv "$file.partial" "$file"
sync "$BACKUPS"
leave_mark "$minute"

keep "$KEEP"
say "done: $(wc -c < "$file") bytes, $kept kept"
