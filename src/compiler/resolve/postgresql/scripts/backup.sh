#!/bin/sh
# Dumps the database into a file of its own, and keeps the newest ones.
set -eu
umask 077
export LC_ALL=C

say() {
    printf 'backup: %s\n' "$*" >&2
}

rm -f "$BACKUPS"/*.partial
file=$BACKUPS/$DATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump
say "dumping $DATABASE to $file"
# Rather fail than make everybody wait who waits for the same lock.
pg_dump --format=custom --no-password --lock-wait-timeout=300000 --file="$file.partial" "$DATABASE"
pg_restore --list "$file.partial" > /dev/null
sync "$file.partial"
mv "$file.partial" "$file"
sync "$BACKUPS"

# The names sort by time.
set -- "$BACKUPS/$DATABASE"-*.dump
while [ $# -gt "$KEEP" ]; do
    say "removing $1"
    rm -f "$1"
    shift
done
say "done: $(wc -c < "$file") bytes, $# kept"
