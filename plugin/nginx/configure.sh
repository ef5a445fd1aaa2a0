#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# configure.sh DIR: copies the headers that Debian's nginx-dev ships into DIR and configures them for the
# module, so that it carries the signature of the installed nginx. Called by local.mk, once a profile.
set -euo pipefail

dir=$1
module=$(cd "$(dirname "$0")" && pwd)
source=${NGINX_SOURCE:-/usr/share/nginx/src}
if [ ! -x "$source/configure" ]; then
    echo "nginx module: $source is missing; install nginx-dev (make deps)" >&2
    exit 1
fi
rm -rf "$dir"
mkdir -p "$dir"
cp -rL "$source/." "$dir/"
cd "$dir"
if ! ./configure --with-compat --add-dynamic-module="$module" >configure.log 2>&1; then
    cat configure.log >&2
    echo "nginx module: configure failed" >&2
    exit 1
fi
