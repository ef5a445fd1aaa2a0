# SPDX-License-Identifier: Apache-2.0
# Rolling windows.
$(call test,test_snapshot,tests/control/snapshot/test_snapshot.c,snapshot keymap shm,)
