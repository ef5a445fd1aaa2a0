# SPDX-License-Identifier: Apache-2.0
$(call bench,lookup,bench/index/lookup.cc bench/index/lookup_world.c bench/index/lookup_qbid.c \
    bench/index/lookup_dpdk.c bench/index/lookup_urcu.c bench/index/lookup_ck.c bench/index/lookup_lmdb.c \
    bench/index/lookup_sqlite.c bench/index/lookup_redis.c,publish models account shm,-lrte_hash -lrte_eal -lck \
    $(call pkg,liburcu-cds liburcu-memb lmdb sqlite3 hiredis))
# DPDK's headers are GNU C and warn
CPPFLAGS_lookup_dpdk = -std=gnu17 $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
