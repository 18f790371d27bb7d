# Settings of which a replica may not have less than its primary had when it wrote what the replica
# replays next. With less, a replica does not start, and one that runs waits for ever.

# Prints the least that the data ask for, as `NAME=VALUE`, a line for each.
least_settings() {
    LC_ALL=C pg_controldata "$PGDATA" |
        sed -n 's/^\(max_[a-z_]*\) setting: *\([0-9][0-9]*\)$/\1=\2/p' |
        sed 's/_xacts=/_transactions=/; s/_xact=/_transaction=/'
}
