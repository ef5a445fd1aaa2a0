# SPDX-License-Identifier: Apache-2.0
# The operator's program.
include tools/qbid/explain/local.mk
$(call prog,qbid,$(wildcard tools/qbid/*.c tools/qbid/commands/*.c) tools/qbid/allocate/print.c,\
	ope whatif account allocate client config models $(EXPLAIN_LIBS),-lcyaml -lyaml -lcjson $(EXPLAIN_LDLIBS))
# qbid allocate without its command line
$(call lib,whatif,$(addprefix tools/qbid/allocate/,csv.c front.c input.c plan.c))
# qbid ope without its command line
$(call lib,ope,$(wildcard tools/qbid/ope/*.c))
$(call install,$(B)/bin/qbid,bin,755)
$(call install,tools/qbid/completion/qbid,share/bash-completion/completions,644)
