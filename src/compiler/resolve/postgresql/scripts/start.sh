#!/bin/sh
# Starts a server of this database: the file of its kind beside this one, primary.sh or replica.sh,
# prepares its data; then this shell becomes the server. It can be killed at any time and started
# again.
set -eu
umask 077
export LC_ALL=C
scripts=$(dirname "$0")
newline='
'

say() {
    printf 'start: %s\n' "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# Fails unless each variable holds one line. No message has a value: they are secret.
require() {
    for name in "$@"; do
        eval "value=\${$name-}"
        case $value in
            '') fail "$name is empty: give it a value in the secret" ;;
            *"$newline"*) fail "$name has more than one line: give it one in the secret" ;;
        esac
    done
    unset value
}

# Becomes the server. What is given on its command line, no file and no `ALTER SYSTEM` can change;
# of two values the later one counts.
serve() {
    unset ADMIN_PASSWORD DATABASE_USER DATABASE_PASSWORD REPLICATION_PASSWORD
    exec postgres -D "$PGDATA" \
        -c "config_file=$CONFIG/postgresql.conf" \
        -c "hba_file=$CONFIG/pg_hba.conf" \
        -c "ident_file=$CONFIG/pg_ident.conf" \
        -c "unix_socket_directories=$PGHOST" \
        -c "port=$PGPORT" \
        -c "listen_addresses=$LISTEN" \
        "$@"
}

# Gives data that are complete their name.
settle() {
    mv "$PGDATA.new" "$PGDATA"
    sync "$(dirname "$PGDATA")"
}

# Fails if the data are not of the version that runs. A volume may come with other rights than the
# server accepts.
check_data() {
    has=$(cat "$PGDATA/PG_VERSION")
    runs=$(postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
    if [ "$has" != "$runs" ]; then
        fail "the data are of PostgreSQL $has, but the image has $runs: dump with the old image and" \
            "restore with the new one, or run pg_upgrade"
    fi
    chmod 0700 "$PGDATA"
}

case $MEMBER in
    primary) . "$scripts/primary.sh" ;;
    replica) . "$scripts/replica.sh" ;;
esac
