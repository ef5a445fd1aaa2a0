# SPDX-License-Identifier: Apache-2.0
# The fast path inside a host. libqbid.a here holds this folder only; programs of this tree link
# "qbid fastpath shm". What is installed as libqbid.a holds all three.
CPPFLAGS_openrtb_simdjson := -fno-exceptions -fno-rtti
QBID_LDLIBS := -lsimdjson -lstdc++ -lsodium $(call pkg,liburcu-memb)

$(call lib,qbid,plugin/bid.c plugin/currency.c plugin/impression.c plugin/markup.c \
    plugin/notice.c plugin/number.c plugin/openrtb_simdjson.cc plugin/qbid.c plugin/receive.c \
    plugin/response.c plugin/status.c plugin/text.c plugin/token.c plugin/worker.c plugin/writer.c)
