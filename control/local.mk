# SPDX-License-Identifier: Apache-2.0
# Each stage of qbidd adds itself in its own local.mk.
include $(wildcard control/*/local.mk)
$(call lib,keymap,control/keymap.c)
$(call lib,daemon,\
	control/crew.c \
	control/daemon.c \
	control/lock.c \
	control/log.c \
	control/notify.c)
$(call prog,qbidd,control/main.c,\
	daemon commands http http_analysis http_read rules records insights api access executor choice engine agents patterns decisions publish learn allocate models ingest ledger snapshot frequency store account config \
	keymap shm,\
	-lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lwebsockets -lm)
$(call install,$(B)/bin/qbidd,sbin,755)
$(call install,$(B)/qbidd.service,lib/systemd/system,644)
$(call install,README.md,share/doc/qbid,644)
$(call install,control/http/openapi.json,share/doc/qbid/http,644)

all: $(B)/qbidd.service
$(B)/qbidd.service: control/qbidd.service.in $(B)/prefix
	sed -e 's|@PREFIX@|$(PREFIX)|' $< >$@
