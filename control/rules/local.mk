# SPDX-License-Identifier: Apache-2.0
# Operators' rules: from the stored history to proposals; need store, models (-lm) and agents.
$(call lib,rules,\
	control/rules/rule.c \
	control/rules/rule_act.c \
	control/rules/rule_history.c \
	control/rules/rule_judge.c \
	control/rules/rules.c)
