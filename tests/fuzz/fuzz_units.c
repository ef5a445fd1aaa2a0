/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a price. What parses is in range and survives being written again. */
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 200000;

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t micros = -1, again;
    char *text = malloc(size ? size : 1), out[24]; /* no byte behind the last may be read */
    memcpy(text, data, size);
    int rc = qbid_micros_parse(text, size, &micros);
    if (rc == 0) {
        require(micros >= -QBID_PRICE_MICROS_MAX && micros <= QBID_PRICE_MICROS_MAX);
        size_t len = qbid_micros_format(micros, out);
        require(len < sizeof out && qbid_micros_parse(out, len, &again) == 0 && again == micros);
    } else {
        require(micros == -1 && (rc == QBID_ERR_PARSE || rc == QBID_ERR_LIMIT));
    }
    free(text);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seeds[] = {"0",       "1.5",        "-2.01",   "0.0000005",
                                        "1000000", "999999.999", "1000001", "12345678901234567890"};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fn(context, seeds[i], strlen(seeds[i]));
}
