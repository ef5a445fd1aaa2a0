# SPDX-License-Identifier: Apache-2.0
# Money: needs shm.
$(call lib,ledger,\
	control/ledger/grant.c\
	control/ledger/ledger.c\
	control/ledger/speed.c\
	control/ledger/tally.c\
	control/ledger/tick.c)
