# A replica. Copies the data of the primary once, then follows it.
#
# Each replica has a slot on the primary, called like its pod, so that the primary keeps what the
# replica has not read yet. How much that may be, max_slot_wal_keep_size limits: a replica that was
# away for longer, or for ever, cannot fill the primary's volume. Its slot is lost then, and it
# copies the data again.

. "$scripts/slot.sh"
. "$scripts/settings.sh"

reserve() {
    ask "CREATE_REPLICATION_SLOT $slot PHYSICAL RESERVE_WAL" > /dev/null
}

# The slot comes before the copy, so that nothing is missing between the copy and what follows.
copy() {
    rm -rf "$PGDATA.new"
    state=$(slot_state) || return 1
    if [ "$state" = lost ]; then
        ask "DROP_REPLICATION_SLOT $slot" || return 1
    fi
    if [ "$state" != there ]; then
        reserve || return 1
    fi
    say "copying the data of $PRIMARY_HOST"
    pg_basebackup --pgdata="$PGDATA.new" --dbname="$primary" --no-password \
        --slot="$slot" --wal-method=stream --checkpoint=fast &
    child=$!
    wait "$child" && status=0 || status=$?
    child=
    [ "$status" = 0 ] || return 1
    touch "$PGDATA.new/standby.signal"
    settle
}

# Checks that the data can go on following, as far as the primary answers.
rejoin() {
    theirs=$(ask IDENTIFY_SYSTEM | cut -d '|' -f 1)
    if [ -z "$theirs" ]; then
        say 'the primary does not answer: starting with the data that are here'
        return
    fi
    ours=$(pg_controldata "$PGDATA" | sed -n 's/^Database system identifier: *//p')
    if [ "$theirs" != "$ours" ]; then
        fail "these data are not a copy of $PRIMARY_HOST, which has been made anew. They may be" \
            'the last ones: save what is needed, then delete the claim of this pod'
    fi
    case $(slot_state) in
        lost | none)
            say 'the primary has gone on too far: the data have to be copied again'
            mv "$PGDATA" "$PGDATA.old"
            ;;
    esac
}

# Prints what is configured for the setting $1.
configured() {
    postgres -D "$PGDATA" -c "config_file=$CONFIG/postgresql.conf" -C "$1"
}

require REPLICATION_PASSWORD PRIMARY_HOST PRIMARY_PORT POD_NAME
printf '*:*:*:replicator:%s\n' \
    "$(printf %s "$REPLICATION_PASSWORD" | sed 's/[\\:]/\\&/g')" > "$passfile"

child=
trap '[ -z "$child" ] || kill "$child"; exit 143' TERM INT
if [ -d "$PGDATA" ]; then
    if [ ! -e "$PGDATA/standby.signal" ]; then
        say 'somebody has promoted this replica: starting it as it is, and it follows nobody'
        trap - TERM INT
        check_data
        serve
    fi
    rejoin
fi
rm -rf "$PGDATA.old"
until [ -d "$PGDATA" ] || copy; do
    say "$PRIMARY_HOST cannot be copied yet: trying again in a few seconds"
    sleep "${RETRY_SECONDS:-5}"
done
check_data
trap - TERM INT
set -- -c "primary_conninfo=$primary" -c "primary_slot_name=$slot"
for setting in $(least_settings); do
    if [ "$(configured "${setting%=*}")" -lt "${setting#*=}" ]; then
        say "starting with $setting, as the primary had it; what is declared counts from a start" \
            'on after the primary has it, too'
        set -- "$@" -c "$setting"
    fi
done
serve "$@"
