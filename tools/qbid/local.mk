# SPDX-License-Identifier: Apache-2.0
# The operator's program.
$(call prog,qbid,\
	tools/qbid/allocate_print.c \
	tools/qbid/columns.c \
	tools/qbid/command_allocate.c \
	tools/qbid/command_audit.c \
	tools/qbid/command_change.c \
	tools/qbid/command_execute.c \
	tools/qbid/command_explain.c \
	tools/qbid/command_insights.c \
	tools/qbid/command_models.c \
	tools/qbid/command_ope.c \
	tools/qbid/command_override.c \
	tools/qbid/command_partners.c \
	tools/qbid/command_patterns.c \
	tools/qbid/command_records.c \
	tools/qbid/command_rules.c \
	tools/qbid/command_show.c \
	tools/qbid/command_token.c \
	tools/qbid/command_top.c \
	tools/qbid/main.c \
	tools/qbid/times.c \
	tools/qbid/tool.c,\
	ope whatif account allocate client config models $(EXPLAIN_LIBS),-lcyaml -lyaml -lcjson $(EXPLAIN_LDLIBS))
# qbid allocate without its command line
$(call lib,whatif,tools/qbid/csv.c $(addprefix tools/qbid/allocate_,\
	front.c \
	input.c \
	plan.c))
# qbid ope without its command line
$(call lib,ope,$(wildcard tools/qbid/ope_*.c))
$(call install,$(B)/bin/qbid,bin,755)
$(call install,tools/qbid/completion/qbid,share/bash-completion/completions,644)
