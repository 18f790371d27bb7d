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

keep "$KEEP"
say "done: $(wc -c < "$file") bytes, $kept kept"
