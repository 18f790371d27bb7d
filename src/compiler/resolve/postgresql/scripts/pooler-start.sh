#!/bin/sh
# Writes who may connect, then becomes the pooler.
set -eu
umask 077
newline='
'

# Prints a value in quotes, as the pooler reads it.
quoted() {
    case $1 in
        '' | *"$newline"*)
            printf 'start: user and password must be one line each: change the secret\n' >&2
            return 1
            ;;
    esac
    printf %s "$1" | sed 's/"/""/g; s/^/"/; s/$/"/'
}

user=$(quoted "$DATABASE_USER")
password=$(quoted "$DATABASE_PASSWORD")
printf '%s %s\n' "$user" "$password" > "$CREDENTIALS/userlist.txt"
unset DATABASE_USER DATABASE_PASSWORD user password
# A pooler that was killed leaves its number behind, which is ours again.
rm -f "$RUN/pgbouncer.pid"
exec pgbouncer "$CONFIG/pgbouncer.ini"
