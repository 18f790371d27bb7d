# The primary. Makes data if there are none; then, before anyone can connect, brings roles,
# passwords, the database and its extensions to what is declared.

# Where the server is while it is set up: nobody else looks there.
setup=$PGHOST/setup

# No statement of the setup is logged, as there are passwords in them, and none waits for replicas.
serve_setup() {
    serve -c listen_addresses= -c "unix_socket_directories=$setup" \
        -c log_statement=none -c log_duration=off -c log_min_duration_statement=-1 \
        -c log_min_duration_sample=-1 -c log_transaction_sample_rate=0 \
        -c log_min_error_statement=panic -c pg_stat_statements.track=none
}

run_sql() {
    PGOPTIONS='-c synchronous_commit=local -c statement_timeout=0 -c lock_timeout=0
        -c default_transaction_read_only=off -c client_min_messages=warning' \
        psql --no-psqlrc --quiet --host="$setup" --username=postgres \
        --set=ON_ERROR_STOP=1 --set=VERBOSITY=terse "$@"
}

stop_setup() {
    kill -INT "$server" 2>/dev/null || true
    wait "$server"
}

require DATABASE DATABASE_USER DATABASE_PASSWORD ADMIN_PASSWORD REPLICATION_PASSWORD
case $DATABASE_USER in
    postgres | replicator | exporter | last_backup | pg_*)
        fail "DATABASE_USER is a name that has a meaning here: choose another in the secret"
        ;;
esac

if [ ! -d "$PGDATA" ]; then
    say 'there are no data yet: making a new cluster'
    rm -rf "$PGDATA.new"
    # The order of texts in this locale does not change with the system's library.
    initdb --pgdata="$PGDATA.new" --username=postgres --auth=peer --encoding=UTF8 \
        --locale=C.UTF-8 --data-checksums --no-instructions >&2
    settle
fi
check_data
if [ -e "$PGDATA/standby.signal" ]; then
    fail "these data are a replica's: remove $PGDATA/standby.signal to make them the primary's"
fi

mkdir -p "$setup"
serve_setup &
server=$!
trap stop_setup EXIT
trap 'exit 143' TERM INT
until pg_isready --quiet --host="$setup"; do
    kill -0 "$server" 2>/dev/null || fail 'the server does not start; what it says is above'
    sleep 0.2
done
run_sql --dbname=postgres --file="$scripts/setup.sql"
for extension in $EXTENSIONS; do
    printf 'CREATE EXTENSION IF NOT EXISTS :"extension" CASCADE;\n' |
        run_sql --dbname="$DATABASE" --set=extension="$extension"
done
trap - EXIT TERM INT
stop_setup
rmdir "$setup"

say 'roles, database and extensions are as declared'
serve
