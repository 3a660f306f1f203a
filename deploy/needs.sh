#!/bin/sh
# Says plainly what is missing on this machine; as root on Debian or Ubuntu it installs what the tests need.
set -eu
case "$1" in
python)
    if [ -z "${2:-}" ]; then
        echo "Python 3.11 or newer is missing. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
        exit 1
    fi
    if ! "$2" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "The journal needs Python 3.11 or newer; $2 is older. Install python3.11 and try again." >&2
        exit 1
    fi
    if ! "$2" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "Python's venv is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
    ;;
test)
    missing=""
    command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
    command -v strace >/dev/null 2>&1 || missing="$missing strace"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
    [ -z "$missing" ] && exit 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing for the tests:$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >/dev/null
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends $missing fonts-dejavu-core >/dev/null
        exit 0
    fi
    echo "The tests need:$missing. On Debian or Ubuntu: sudo apt-get install$missing" >&2
    exit 1
    ;;
esac
