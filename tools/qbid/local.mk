# SPDX-License-Identifier: Apache-2.0
# The operator's program.
$(call prog,qbid,\
	tools/qbid/columns.c \
	tools/qbid/command_change.c \
	tools/qbid/command_explain.c \
	tools/qbid/command_partners.c \
	tools/qbid/command_show.c \
	tools/qbid/command_top.c \
	tools/qbid/main.c \
	tools/qbid/times.c \
	tools/qbid/tool.c,\
	client config $(EXPLAIN_LIBS),-lcyaml -lyaml -lcjson $(EXPLAIN_LDLIBS))
$(call install,$(B)/bin/qbid,bin,755)
