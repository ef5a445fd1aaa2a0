# SPDX-License-Identifier: Apache-2.0
$(call bench,ring,bench/memory/ring.cc bench/memory/ring_loop.c bench/memory/ring_peer.c,shm)
$(call bench,rcu,bench/memory/rcu.cc bench/memory/rcu_sides.c,shm,$(call pkg,liburcu-memb liburcu-qsbr liburcu-bp))
