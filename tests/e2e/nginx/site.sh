# SPDX-License-Identifier: Apache-2.0
# For the scripts that run nginx with the real qbidd: lib.sh, and the site that the demonstration is made of.
. "$(dirname "$0")/lib.sh"
if [ ! -x "$B/bin/qbidd" ] || [ ! -x "$B/bin/qbid" ]; then
    echo "$B/bin/qbidd or qbid is not built"
    exit 77
fi
. tools/demo/lib.sh
. tools/demo/account.sh

# Starts what site_make() has made in $site; the checks look at its logs and its port from here on.
begin_site() {
    trap 'site_stop' EXIT
    site_start || exit 1
    work=$site/nginx port=$SITE_PORT url=http://127.0.0.1:$SITE_PORT
}

qbid() {
    "$B/bin/qbid" --socket "$SITE_SOCKET" --output json "$@"
}
