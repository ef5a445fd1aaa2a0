# SPDX-License-Identifier: Apache-2.0
# Account, dictionary, import.
$(call test,test_account,tests/control/account/test_account.c,account shm,)
$(call test,test_dictionary,tests/control/account/test_dictionary.c,account shm,)
$(call test,test_money,tests/control/account/written/test_money.c,account shm,)
$(call test,test_instant,tests/control/account/written/test_instant.c,account shm,)
$(call test,test_fields,tests/control/account/test_fields.c,account shm,)
$(call test,test_import,tests/control/account/import/test_import.c,account config shm,-lcyaml -lyaml)
$(call test,test_diff,tests/control/account/test_diff.c,account config shm,-lcyaml -lyaml)
$(call test,test_override,tests/control/account/written/test_override.c,account config shm,)
$(call test,test_velocity,tests/control/account/written/test_velocity.c,account config shm,-lm)
$(call test,test_week,tests/control/account/written/test_week.c,account config shm,)
