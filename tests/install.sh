#!/bin/sh
# Installs what the build or the tests miss, by apt-get, and says so. Names what it was asked for:
#   tests/install.sh c-headers docker-registry skopeo htpasswd ip kubectl systemd-analyze venv chromium
# On other systems than Debian, and without the right to install, it prints what is missing. That
# is a failure in CI (CI=true) and for a build; tests elsewhere skip what needs a missing program.
set -eu

missing=
packages=
vital=
for need in "$@"; do
    case $need in
    c-headers)
        for cc in "${CC:-cc}" gcc clang; do
            if echo '#include <stdlib.h>' | "$cc" -E - >/dev/null 2>&1; then continue 2; fi
        done
        package='gcc libc6-dev'
        vital=1
        ;;
    venv)
        if "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; then continue; fi
        package=python3-venv
        ;;
    htpasswd)
        if command -v htpasswd >/dev/null; then continue; fi
        package=apache2-utils
        ;;
    kubectl)
        if command -v kubectl >/dev/null; then continue; fi
        package=kubernetes-client
        ;;
    systemd-analyze)
        if command -v systemd-analyze >/dev/null; then continue; fi
        package=systemd
        ;;
    musl-gcc)
        if command -v musl-gcc >/dev/null; then continue; fi
        package=musl-tools
        ;;
    readelf)
        if command -v readelf >/dev/null; then continue; fi
        package=binutils
        ;;
    ip)
        if command -v ip >/dev/null; then continue; fi
        package=iproute2
        ;;
    *)
        if command -v "$need" >/dev/null; then continue; fi
        package=$need
        ;;
    esac
    missing="$missing $need"
    packages="$packages $package"
done
if [ -z "$packages" ]; then exit 0; fi

give_up() {
    echo "== missing:$missing ($1)"
    echo "   install by hand; Debian's packages are:$packages"
    if [ "${CI:-}" = true ] || [ -n "$vital" ]; then exit 1; fi
    echo "   the tests that need them are skipped"
    exit 0
}

if ! command -v apt-get >/dev/null; then give_up 'no apt-get here'; fi
sudo=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then give_up 'neither root nor sudo'; fi
    sudo=sudo
fi
echo "== installing$packages by apt-get${sudo:+, with sudo}"
# shellcheck disable=SC2086 # one word each
install() {
    $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $packages >/dev/null
}
# Package lists may be absent, as in a fresh container, or too old.
install 2>/dev/null || { $sudo apt-get update -qq && install; } || give_up 'apt-get failed'
