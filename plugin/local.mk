# SPDX-License-Identifier: Apache-2.0
# The fast path inside a host. build/<profile>/libqbid.a holds this folder only: programs of this
# tree link "qbid fastpath shm". What is installed as libqbid.a holds all three.
CPPFLAGS_openrtb_json := -fno-exceptions -fno-rtti
# entries are put one by one: gathered into vectors they take half again as many instructions
CPPFLAGS_structure := -fno-tree-slp-vectorize
QBID_LDLIBS := -lprotobuf-c -lz -lsodium -lcrypto $(call pkg,liburcu-memb liburcu-qsbr)

# What protoc-c makes of our .proto: its names start with Pb__ and pb__, and it is not held to our warnings.
PROTOBUF_C := $(B)/gen/plugin/openrtb/openrtb.pb-c.c
PROTOBUF_H := $(B)/gen/plugin/openrtb/openrtb.pb-c.h
CPPFLAGS += -isystem $(B)/gen
CPPFLAGS_openrtb.pb-c := -w
$(PROTOBUF_C): plugin/openrtb/openrtb.proto
	@mkdir -p $(B)/gen
	protoc-c --c_out=$(B)/gen $<
$(PROTOBUF_H): $(PROTOBUF_C)
$(addprefix $(B)/plugin/openrtb/,openrtb_protobuf.o openrtb_protobuf_imp.o response_protobuf.o): | $(PROTOBUF_H)

PRIVACY_SOURCES := $(wildcard plugin/privacy/*.c)

$(call lib,qbid,$(wildcard $(addprefix plugin/,*.c openrtb/*.c openrtb/*.cc notice/*.c status/*.c)) \
    $(PRIVACY_SOURCES) $(PROTOBUF_C))

QBID_ARCHIVES := $(B)/libqbid.a $(B)/libfastpath.a $(B)/libshm.a

all: $(B)/libqbid.so.1 $(B)/libqbid.so $(B)/sdk/libqbid.a $(B)/sdk/qbid.h $(B)/sdk/qbid.pc

$(B)/libqbid.so.1: $(QBID_ARCHIVES) plugin/qbid.map
	$(CC) $(LDFLAGS) -shared -Wl,-soname,libqbid.so.1 -Wl,-z,defs \
	    -Wl,--version-script=plugin/qbid.map -Wl,--whole-archive $(B)/libqbid.a \
	    -Wl,--no-whole-archive $(B)/libfastpath.a $(B)/libshm.a -o $@ $(QBID_LDLIBS)

$(B)/libqbid.so: $(B)/libqbid.so.1
	ln -sf libqbid.so.1 $@

$(B)/sdk/libqbid.a: $(QBID_ARCHIVES)
	@mkdir -p $(@D)
	@rm -f $@
	printf '%s\n' 'CREATE $@' $(QBID_ARCHIVES:%='ADDLIB %') SAVE END | $(AR) -M

# The installed header stands alone: shm/request.h goes where it is included.
$(B)/sdk/qbid.h: plugin/qbid.h shm/request.h
	@mkdir -p $(@D)
	awk '/^#include "shm\/request.h"/ { while ((getline line < "shm/request.h") > 0) \
	    if (line !~ /^\/\* SPDX/) print line; next } { print }' plugin/qbid.h >$@

$(call note,$(B)/prefix,$(PREFIX))
$(B)/sdk/qbid.pc: plugin/qbid.pc.in shm/version.h $(B)/prefix
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|' \
	    -e "s|@VERSION@|$$(sed -n 's/.*QBID_VERSION "\(.*\)"/\1/p' shm/version.h)|" plugin/qbid.pc.in >$@

$(call install,$(B)/libqbid.so.1,lib,755)
$(call install,$(B)/libqbid.so,lib,link)
$(call install,$(B)/sdk/libqbid.a,lib,644)
$(call install,$(B)/sdk/qbid.h,include,644)
$(call install,$(B)/sdk/qbid.pc,lib/pkgconfig,644)
include plugin/nginx/local.mk plugin/dpdk/local.mk
$(call install,plugin/example/host.c,share/doc/qbid/example,644)
$(call install,plugin/example/epoll.c,share/doc/qbid/example,644)
$(call install,plugin/example/http.c,share/doc/qbid/example,644)
$(call install,plugin/example/http.h,share/doc/qbid/example,644)

# The example hosts see what an installed one sees: the header of the SDK and the shared library.
CPPFLAGS_epoll = $(CPPFLAGS_host)
CPPFLAGS_host = $(if $(findstring plugin/example/,$<),-I$(B)/sdk)
$(B)/plugin/example/host.o $(B)/plugin/example/epoll.o: $(B)/sdk/qbid.h
$(call prog,qbid-example,plugin/example/host.c,,-L$(B) -lqbid -Xlinker -rpath -Xlinker '$$$$ORIGIN/..')
$(call prog,qbid-example-epoll,plugin/example/epoll.c plugin/example/http.c,,-L$(B) -lqbid -Xlinker -rpath -Xlinker '$$$$ORIGIN/..')
$(B)/bin/qbid-example $(B)/bin/qbid-example-epoll: $(B)/libqbid.so

# What the last release promised to hosts that are built against it (libabigail's XML). `make abi` writes it anew.
.PHONY: abi
abi: $(B)/sdk/qbid.h plugin/qbid.map ## write anew what the library promises to hosts that are built against it
	plugin/abi/shell.sh $(B)/sdk/qbid.h plugin/qbid.map $(B)/sdk/shell.so
	abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
	    --out-file plugin/abi/libqbid.so.1.abi $(B)/sdk/shell.so
