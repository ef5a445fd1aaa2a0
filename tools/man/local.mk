# SPDX-License-Identifier: Apache-2.0
# Manual pages, written by the programs themselves: $(call man,PROGRAM,SECTION,WHAT).
define man_rule
$(B)/man/$(1).$(2): $(B)/bin/$(1) tools/man/page.sh
	@mkdir -p $$(@D)
	tools/man/page.sh $(B)/bin/$(1) $(2) '$(3)' >$$@.new
	@mv $$@.new $$@
endef
man = $(eval $(call man_rule,$(1),$(2),$(3)))$(call install,$(B)/man/$(1).$(2),share/man/man$(2),644)
$(call man,qbid,1,operate qbid)
$(call man,qbid-replay,1,a test exchange)
$(call man,qbid-sim,1,judge bidding strategies in simulated markets)
$(call man,qbidd,8,the control process of qbid)
