#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# signature.sh SOURCE MODULE.so [NGINX]: will this nginx load this module? nginx refuses a module of another
# version or with another signature ("is not binary compatible") without saying what differs; this does.
set -euo pipefail
export LC_ALL=C

source=$1 module=$2
nginx=${3:-$(PATH=$PATH:/usr/sbin command -v nginx || true)}
if [ -z "$nginx" ]; then
    echo "nginx module: no nginx here to compare with" >&2
    exit 0
fi

signature() { # ELF file
    grep -aoE '[0-9],[0-9],[0-9],[01]{34}' "$1" | head -n 1 || true
}
says=$("$nginx" -V 2>&1)
theirs=$(sed -nE 's|^nginx version: nginx/([0-9.]+).*|\1|p' <<<"$says")
ours=$(sed -nE 's|^#define NGINX_VERSION +"([0-9.]+)".*|\1|p' "$source/src/core/nginx.h")
their_signature=$(signature "$nginx")
our_signature=$(signature "$module")
[ "$theirs $their_signature" != "$ours $our_signature" ] || exit 0

{
    echo "nginx module: $nginx would refuse $module"
    printf '  %-8s %-10s %s\n' '' version signature
    printf '  %-8s %-10s %s\n' nginx "$theirs" "$their_signature"
    printf '  %-8s %-10s %s\n' module "$ours" "$our_signature"
    if ! grep -q -- --with-compat <<<"$says"; then
        echo "  that nginx was built without --with-compat: only its own build tree can make modules for it"
    fi
    echo "  nginx and nginx-dev must be of one version; after installing them: rm -r $source, then make"
} >&2
exit 1
