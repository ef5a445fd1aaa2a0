# SPDX-License-Identifier: Apache-2.0
# Rules, as text and over a store with a history.
RULES_LIBS := rules agents store models snapshot account config keymap shm
$(call test,test_rule,tests/control/rules/test_rule.c,$(RULES_LIBS),-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_rules,tests/control/rules/test_rules.c,$(RULES_LIBS),-lsqlite3 -lsodium -lcyaml -lyaml -lm)
