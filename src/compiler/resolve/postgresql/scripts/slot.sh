# The slot of this replica on the primary.

slot=$(printf %s "$POD_NAME" | tr - _)
passfile=$CREDENTIALS/replication
primary="host=$PRIMARY_HOST port=$PRIMARY_PORT user=replicator passfile=$passfile"
primary="$primary application_name=$POD_NAME connect_timeout=${CONNECT_SECONDS:-10}"

# Asks the primary by a command of the replication protocol.
ask() {
    psql --no-psqlrc --no-password --quiet --no-align --tuples-only \
        --dbname="$primary replication=true" --command="$1"
}

# Prints where the slot is: `lost` if the primary has thrown away what it had reserved, `none` if
# there is no slot. Fails if the primary does not answer.
slot_state() {
    answer=$(ask "READ_REPLICATION_SLOT $slot") || return 1
    case $answer in
        'physical||') echo lost ;;
        '||') echo none ;;
        *) echo there ;;
    esac
}
