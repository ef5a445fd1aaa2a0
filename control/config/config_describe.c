/* SPDX-License-Identifier: Apache-2.0 */
/* Every key for `qbidd --options`: in the schema's order, so that none is left out. */
#include <assert.h>
#include <string.h>

#include "control/config/config_limits.h"
#include "control/config/config_schema.h"

#define PATH_WIDTH 27

/* The keys that are no numbers: what may stand there, with the default, and the meaning. */
static const struct {
    const char *path, *values, *meaning;
} texts[] = {
    {"state_dir", "a folder, default /var/lib/qbid", "store, images, lock; only one qbidd"},
    {"handover.path", "a path, default /run/qbid/qbid.sock", "socket of the ad servers"},
    {"handover.mode", "an octal mode, default \"0660\"", "of that socket"},
    {"handover.allow_uids[]", "numbers, default none",
     "users beside root and qbidd's own who may load tables"},
    {"control.path", "a path, default /run/qbid/control.sock", "socket of qbid, the command"},
    {"control.mode", "an octal mode, default \"0660\"", "of that socket"},
    {"control.allow_uids[]", "numbers, default none",
     "operators beside root and qbidd's own user; everybody else needs a token"},
    {"log.level", "error, warning, info or debug, default info", "what is logged"},
    {"log.target", "stderr, syslog or a path, default stderr", "where; SIGUSR1 opens a path again"},
    {"keys.file", "a file of mode 0600, default /etc/qbid/notice.key",
     "keys of the notice tokens, lines 'ID HEX'"},
    {"audit.key_file", "a file of mode 0600, default STATE_DIR/audit.key",
     "key of the chain of audit records; made with the first one"},
    {"access.tokens", "a file, default none", "lines of `qbid token new`"},
    {"http.address", "an IPv4 or IPv6 address, default 127.0.0.1", "that http.port is opened on"},
    {"learning.correction", "a file, default none", "table of `qbid-sim train`, for the pacer"},
    {"currency", "three letters, default USD", "of all budgets and prices of the account"},
    {"time_zone", "an IANA name, default UTC", "of campaigns with hours that name none"},
    {"rates[].currency", "three letters", "a currency that requests may come in"},
    {"rates[].per_unit", "a decimal above 0", "what one unit of it is in the account's currency"},
    {"partners[].name", "at most 32 bytes, or '*'", "the exchange; '*' is every other one"},
    {"partners[].id", "1..255", "stands in the tokens of its bids"},
    {"partners[].price", "plain, google, aes-ecb or aes-gcm, default plain",
     "coding of its clearing prices"},
    {"partners[].price_per", "mille or impression, default mille", "what a price is of"},
    {"partners[].price_age_max_s", "seconds, default 0 = any", "oldest google price that counts"},
    {"partners[].price_macro", "at most 32 bytes, default ${AUCTION_PRICE}",
     "what stands in notice URLs for the price"},
    {"partners[].key_file", "a file of mode 0600", "keys of a price that is not plain"},
    {"partners[].currency", "three letters, default none",
     "of answers to requests that name none; needs a rate"},
    {"partners[].seat", "at most 32 bytes, default the tenant's number", "seatbid.seat"},
    {"partners[].tmax_ms", "0..60000, default 0 = none", "of a request that has no tmax"},
    {"partners[].margin_ms", "0..60000, default 0", "time on the network, taken off tmax"},
    {"partners[].no_bid", "empty or nbr, default empty", "204, or 200 with id and nbr"},
    {"partners[].test", "bid or decline, default bid", "on requests with test = 1"},
    {"partners[].win_bills", "true or false, default false", "its win notice is the billing one"},
    {"partners[].required[]", "of crid, adomain, cat, size, default none",
     "a bid without one is withdrawn"},
    {"partners[].notices[]", "of nurl, burl, lurl, default all", "the notices that it calls"},
    {"durability", "fast or strict, default fast",
     "strict waits for the disk at each change: nothing is lost by a power failure either"},
    {"levels",
     "1 to 4 lists of dimensions, default [[exchange, slot, position, device, geo, site, "
     "segment], [exchange, slot, device, site], [exchange, slot]]",
     "contexts that line items are valued in, finest first"},
    {"market_segments", "a list of dimensions, default [exchange, slot]",
     "what has a price landscape of its own"},
    {"on_stale", "decline or {conservative: FACTOR}, default decline",
     "past image_valid_ms: no bids, or prices times a factor up to 1"},
    {"privacy.gdpr_unknown", "applies or applies_not, required",
     "whether requests that do not say are under the GDPR"},
    {"privacy.vendor_id", "0..65535, default 0",
     "ours in IAB's global vendor list; 0: no consent is ours"},
    {"privacy.purposes", "of 1 to 24, default [1, 2, 3, 4]",
     "that need consent or legitimate interest"},
};

static bool limit_describe(FILE *out, const char *path)
{
    const struct qbid_config_limit *l = NULL;
    for (size_t i = 0; (l = qbid_config_limit(i)) && strcmp(l->path, path) != 0; i++)
        ;
    if (!l)
        return false;
    char range[QBID_CONFIG_LIMIT_TEXT_MAX], preset[QBID_CONFIG_LIMIT_TEXT_MAX];
    qbid_config_limit_range(l, range);
    qbid_config_limit_preset(l, preset);
    fprintf(out, "%-*s %s, default %s: %s\n", PATH_WIDTH, path, range, preset, l->meaning);
    return true;
}

/* The key itself, and those below one that the schema does not look into. */
static bool text_describe(FILE *out, const char *path)
{
    size_t len = strlen(path);
    bool found = false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *at = texts[i].path;
        if (strncmp(at, path, len) != 0 || (at[len] != '\0' && at[len] != '.'))
            continue;
        fprintf(out, "%-*s %s: %s\n", PATH_WIDTH, at, texts[i].values, texts[i].meaning);
        found = true;
    }
    return found;
}

static void key_describe(void *context, const char *path)
{
    bool known = limit_describe(context, path) || text_describe(context, path);
    assert(known && "a key of the schema has no row in texts");
    (void)known;
}

void qbid_config_describe(FILE *out)
{
    qbid_config_schema_keys(key_describe, out);
}
