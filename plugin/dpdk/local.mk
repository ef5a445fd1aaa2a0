# SPDX-License-Identifier: Apache-2.0
# qbid-dpdk, built where libdpdk-dev is installed. DPDK is linked statically with the drivers named here, so
# that the program needs no folder of plugins; more: `make QBID_DPDK_DRIVERS='net_mlx5 ...'
# QBID_DPDK_DRIVER_LDLIBS='-libverbs -lmlx5 ...'`.
QBID_DPDK_DRIVERS ?= net_virtio net_vmxnet3 net_e1000 net_igc net_ixgbe net_i40e net_ice net_iavf net_ena
QBID_DPDK_VDEVS := net_af_packet net_memif net_ring net_pcap net_null
# DPDK's headers are GNU C and warn
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
DPDK_LDLIBS = -Wl,-Bstatic -Wl,--whole-archive \
    $(patsubst %,-lrte_%,$(QBID_DPDK_DRIVERS) $(QBID_DPDK_VDEVS) bus_pci bus_vdev mempool_ring) \
    -Wl,--no-whole-archive -lrte_common_iavf -lrte_security -lrte_cryptodev -lrte_hash -lrte_rcu -lrte_timer \
    -lrte_ethdev -lrte_net -lrte_meter -lrte_mbuf -lrte_mempool -lrte_ring -lrte_pci -lrte_eal \
    -lrte_telemetry -lrte_kvargs -Wl,-Bdynamic $(QBID_DPDK_DRIVER_LDLIBS) -lbsd -lnuma -lpcap -ldl -lm

# what of the program knows nothing of DPDK: built and tested everywhere
$(call lib,bidder,$(addprefix plugin/dpdk/,bidder.c counters.c eal_args.c frame.c json_id.c message.c message_answer.c \
    options.c pack.c runtime.c))

ifneq ($(wildcard /usr/include/dpdk/rte_ethdev.h),)
HAVE_DPDK := yes
DPDK_SOURCES := $(addprefix plugin/dpdk/,lcore.c port.c qbid_dpdk.c status.c status_text.c telemetry.c)
$(call obj,$(DPDK_SOURCES)): CPPFLAGS += $(DPDK_CFLAGS)
$(call obj,$(DPDK_SOURCES)): CFLAGS += -std=gnu17
$(call lib,poller,$(filter-out plugin/dpdk/qbid_dpdk.c,$(DPDK_SOURCES)))
$(call prog,qbid-dpdk,plugin/dpdk/qbid_dpdk.c,poller bidder qbid fastpath shm,$(QBID_LDLIBS) $(DPDK_LDLIBS))
$(call install,$(B)/bin/qbid-dpdk,sbin,755)
$(call install,plugin/dpdk/message.h,share/doc/qbid/dpdk,644)
endif
