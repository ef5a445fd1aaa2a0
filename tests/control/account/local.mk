# SPDX-License-Identifier: Apache-2.0
# Account, dictionary, import.
$(call test,test_account,tests/control/account/test_account.c,account shm,)
$(call test,test_dictionary,tests/control/account/test_dictionary.c,account shm,)
