# The virtual environment that scripts/quickstart and scripts/check share. Sourced, never run.
#
#   prepare_environment EXTRA     makes .venv if needed and installs zhixing[EXTRA] in it, editable;
#                                 returns at once when nothing changed since the last time.
#
# Stamps are written last, so an interrupted run is simply repeated; a lock keeps two runs apart.
# Settings:  ZHIXING_PYTHON=/path/to/python   the interpreter to make .venv with (an existing .venv stays)
#            and whatever pip or uv read themselves (their index, proxy and certificate settings).

SETUP_LOG=.cache/setup.log
SETUP_LOCK=.cache/setup.lock
SUPPORTED_PYTHON='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
RECENT_PYTHON='import sys; sys.exit(sys.version_info[:2] < (3, 11))'

say() { printf 'zhixing: %s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

prepare_environment() {
    local extra=$1
    if is_current "$extra"; then return; fi
    mkdir -p .cache 2>/dev/null || stop "cannot write in $PWD; clone the repository where you may write"
    local python
    python=$(choose_python) || exit 1
    exec 9>"$SETUP_LOCK"
    wait_for_lock "$python"
    if ! is_current "$extra"; then # the run that we waited for may have done the work
        make_venv "$python"
        install_package "$extra"
    fi
    exec 9>&-
}

# What an installation depends on: the project file, the interpreter, and where the checkout lies.
fingerprint() {
    .venv/bin/python - pyproject.toml <<'PYTHON' 2>/dev/null
import hashlib, os, sys
facts = (open(sys.argv[1], "rb").read(), sys.version.encode(), os.fsencode(os.getcwd()))
print(hashlib.sha256(b"\0".join(facts)).hexdigest())
PYTHON
}

is_current() {
    local wanted stamp
    wanted=$(fingerprint) || return 1
    for stamp in ".venv/installed-$1" .venv/installed-dev; do # dev contains every other extra
        [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return 0
    done
    return 1
}

choose_python() {
    local candidate
    if [ -n "${ZHIXING_PYTHON:-}" ]; then
        "$ZHIXING_PYTHON" -c "$SUPPORTED_PYTHON" 2>/dev/null ||
            stop "ZHIXING_PYTHON=$ZHIXING_PYTHON is not a working Python 3.11, 3.12 or 3.13"
        printf '%s\n' "$ZHIXING_PYTHON"
        return
    fi
    # A name on PATH may be a shim that starts nothing, so each candidate is tried.
    for candidate in python3 python python3.13 python3.12 python3.11; do
        if "$candidate" -c "$SUPPORTED_PYTHON" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    for candidate in python3 python; do
        if "$candidate" -c "$RECENT_PYTHON" 2>/dev/null; then
            say "only $("$candidate" --version) found; zhixing is tested on 3.11 to 3.13: trying it anyway"
            command -v "$candidate"
            return
        fi
    done
    stop "Python 3.11, 3.12 or 3.13 is needed and none was found on PATH;" \
        "install one (Debian, Ubuntu: apt install python3 python3-venv) or set ZHIXING_PYTHON=/path/to/python"
}

# flock belongs to the open file, not to the process: Python locks descriptor 9 and this shell keeps it.
wait_for_lock() {
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return
    say "another run is installing in this checkout; waiting for it"
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || exit 1
}

make_venv() {
    if venv_is_usable; then return; fi
    if [ -e .venv ]; then say "replacing .venv: it is unfinished, was moved, or has an unsuitable Python"; fi
    say "making .venv with $("$1" --version)"
    rm -rf .venv
    : >"$SETUP_LOG"
    if ! watched "$1" -m venv .venv; then
        if command -v uv >/dev/null 2>&1; then
            rm -rf .venv
            watched uv venv --seed --python "$1" .venv || show_log "uv could not make .venv"
        else
            show_log "could not make .venv (Debian, Ubuntu: apt install python3-venv, or install uv)"
        fi
    fi
    pwd >.venv/made-in
}

# A moved environment has the wrong path in every script, and half of one has no pip; an environment
# that the user made here is taken as it is.
venv_is_usable() {
    if [ -f .venv/made-in ] && [ "$(cat .venv/made-in)" != "$PWD" ]; then return 1; fi
    .venv/bin/python -c "$RECENT_PYTHON" 2>/dev/null || return 1
    command -v uv >/dev/null 2>&1 || .venv/bin/python -m pip --version >/dev/null 2>&1
}

install_package() {
    local extra=$1 began=$SECONDS stamp
    say "installing zhixing[$extra] and what it needs in .venv (some minutes the first time; log: $SETUP_LOG)"
    : >"$SETUP_LOG"
    rm -f .venv/installed-*
    if ! install_with_uv "$extra"; then
        # --use-pep517: pip before 23.1 would let packages without a wheel run setup.py in this environment, where it fails.
        watched .venv/bin/python -m pip install --no-input --disable-pip-version-check --use-pep517 -e ".[$extra]" ||
            show_log "the installation failed"
    fi
    stamp=$(fingerprint)
    printf '%s\n' "$stamp" >".venv/installed-$extra.partial"
    mv ".venv/installed-$extra.partial" ".venv/installed-$extra"
    say "installed in $((SECONDS - began)) s"
}

# uv does not read pip's settings, so where it cannot reach an index pip gets its turn.
install_with_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    # "auto" lets uv take the CPU build of torch on a machine without a GPU.
    UV_TORCH_BACKEND=${UV_TORCH_BACKEND:-auto} watched uv pip install --python .venv/bin/python -e ".[$1]" &&
        return
    say "uv could not install it; trying pip"
    return 1
}

# Run a command with its output in the log and, on a terminal, its last line and the seconds on screen.
watched() {
    local began=$SECONDS pid status=0
    "$@" >>"$SETUP_LOG" 2>&1 </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; say "interrupted; the same command goes on from here"; exit 130' INT TERM
    while [ -t 2 ] && kill -0 "$pid" 2>/dev/null; do
        printf '\r\033[K  %4d s  %.60s' "$((SECONDS - began))" "$(last_step)" >&2
        sleep 1 9>&-
    done
    wait "$pid" || status=$?
    trap - INT TERM
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    return "$status"
}

last_step() {
    { grep -E '^ *(Collecting|Downloading|Building|Installing|Processing|Using|Resolved|Prepared)' "$SETUP_LOG" || true; } |
        tail -n 1
}

show_log() {
    say "$1; the end of $SETUP_LOG:"
    grep -v 'Location .* is ignored' "$SETUP_LOG" | tail -n 25 >&2
    exit 1
}
