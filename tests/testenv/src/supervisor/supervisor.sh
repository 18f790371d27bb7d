# Runs the components of one control plane for an owner, and ends with that owner.
#
#   sh -c "$(cat supervisor.sh)" testenv-supervisor STATE_FOLDER
#
# Standard input carries one order a line: "start NAME" runs NAME.sh, "stop NAME" kills it. The
# kernel closes the pipe however the owner ends, so the end of input means: kill everything,
# remove the folder. Should this shell be killed itself, the kernel kills the components
# (parent-death signal), and the next control plane sweeps the folder.
cd "$1" || exit 1

stop() {
    [ -f "$1.pid" ] || return 0
    kill -KILL "$(cat "$1.pid")"
    wait "$(cat "$1.pid")"
    rm -f "$1.pid"
}

trap : INT TERM HUP # interrupts `read`, which ends the loop
while read -r order name; do
    case $order in
    start)
        setpriv --pdeathsig KILL sh "$PWD/$name.sh" </dev/null >>"$name.log" 2>&1 &
        echo $! >"$name.pid.new"
        mv "$name.pid.new" "$name.pid"
        ;;
    stop) stop "$name" ;;
    esac
done

for file in *.pid; do
    stop "${file%.pid}"
done
# What a component has outside the folder.
[ ! -f clean.sh ] || sh clean.sh
cd /
# The kernel may still be ending what a component started.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$1" 2>/dev/null && break
    sleep 0.1
done
