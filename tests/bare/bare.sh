#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proof for a bare Debian 12: a fresh root with git, make and ca-certificates, a clone of the committed HEAD in
# it, and there `make test` and `make run` with no other command. Prints the minutes of each.
#
#   tests/bare/bare.sh [COMMAND...]    the commands to run in the clone ("make test" "make run")
#   QBID_BARE_DIR                      where the root is made (build/bare); must not exist, or be one of ours
#   QBID_BARE_DATA                     recorded data shown read-only beside the clone (../shared/data)
#
# Everything is mounted in a mount namespace of this script and runs in a PID namespace of it: when the
# script ends, in whatever way, the kernel removes mounts and processes, and no rm -rf can meet a mount.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=${QBID_BARE_DIR:-build/bare}
data=${QBID_BARE_DATA:-../shared/data}
[ $# -gt 0 ] || set -- "make test" "make run"

if [ "$(id -u)" -ne 0 ]; then
    echo "bare: needs root (debootstrap, chroot)" >&2
    exit 1
fi
if [ -z "${QBID_BARE_INSIDE:-}" ]; then
    .ci/deps.sh debootstrap
    QBID_BARE_INSIDE=1 unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"
    rm -rf --one-file-system "$dir" # a failed root stays for a look
    exit 0
fi

minutes() { # what, start in seconds
    printf 'bare: %s took %d.%02d minutes\n' "$1" $(((SECONDS - $2) / 60)) $(((SECONDS - $2) % 60 * 100 / 60))
}

if [ -e "$dir" ]; then
    [ -e "$dir/qbid-bare" ] || {
        echo "bare: $dir is there and was not made by this script" >&2
        exit 1
    }
    rm -rf --one-file-system "$dir"
fi
mkdir -p "$dir/root"
dir=$(cd "$dir" && pwd)
root=$dir/root
touch "$dir/qbid-bare"

mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2 == "bookworm" { print $1; exit }')
start=$SECONDS
debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$root" \
    "${mirror:-http://deb.debian.org/debian}" >"$dir/debootstrap.log" 2>&1 || {
    tail -n 20 "$dir/debootstrap.log"
    exit 1
}
minutes debootstrap "$start"

# The network is this machine's: so are names, certificates, Debian sources and how apt reaches them.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mapfile -t sources < <(grep -lsE 'debian\.org|/debian' /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources})
if [ "${#sources[@]}" -gt 0 ]; then
    rm -f "$root/etc/apt/sources.list"
    for file in "${sources[@]}"; do
        cp "$file" "$root${file}"
    done
fi
apt-config dump --format '%F "%v";%n' Acquire |
    grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|https::CaInfo|Retries)[ :]' \
        >"$root/etc/apt/apt.conf.d/90bare" || true
environment=(HOME=/root LANG=C.UTF-8 CI=true PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"

git clone --quiet --no-hardlinks . "$root/root/qbid/main"
if [ -d "$data" ]; then
    mkdir -p "$root/root/qbid/shared/data"
    mount --bind "$data" "$root/root/qbid/shared/data"
    mount -o remount,bind,ro "$root/root/qbid/shared/data"
fi
before=$(chroot "$root" dpkg-query -W | wc -l)
echo "bare: $(cat "$root/etc/debian_version"), $before packages, commit $(git -C "$root/root/qbid/main" rev-parse --short HEAD)"

failed=0
for command in "$@"; do
    start=$SECONDS
    echo "bare: $command"
    if ! env -i "${environment[@]}" chroot "$root" sh -c "cd /root/qbid/main && $command" </dev/null; then
        echo "bare: '$command' FAILED"
        failed=1
    fi
    minutes "$command" "$start"
done
echo "bare: $(($(chroot "$root" dpkg-query -W | wc -l) - before)) packages were installed by the commands"
exit "$failed"
