# SPDX-License-Identifier: Apache-2.0
# Race tests: at full speed under ThreadSanitizer, in forced orders in every build; and the same with
# one ordering broken, which race_negative and test_negative run and require to fail.
RACE_WATCH := tests/shm/watch.c tests/shm/server.c tests/shm/server_fd.c tests/shm/server_image.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c
RACE_BROKEN := tests/race/broken
RACE_STAGE := tests/fastpath/stage.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c
URCU = $(call pkg,liburcu)

$(call race,race_ring,tests/race/ring.c,shm)
$(call race,race_live,tests/race/live.c,shm)
$(call test,test_overspend,tests/race/overspend.c,ledger shm)
$(call race,race_frequency,tests/race/frequency.c $(RACE_STAGE),fastpath shm)
$(call race,race_publish,tests/race/publish.c $(RACE_WATCH),shm,$(URCU))
$(call race,race_publish_qsbr,tests/race/publish_qsbr.c $(RACE_WATCH),shm,$(URCU))
$(call race,race_negative,tests/race/negative.c)
$(call test,test_ring_order,tests/race/ring_order.c tests/race/hooked_ring.c tests/race/hook.c,shm)
$(call test,test_frequency_order,tests/race/frequency_order.c tests/race/hook.c $(RACE_STAGE),fastpath shm)
$(call test,test_publish_order,tests/race/publish_order.c tests/race/hooked_watcher.c \
    tests/race/hook.c $(RACE_WATCH),shm,$(URCU))
$(call test,test_allowance_order,tests/race/allowance_order.c tests/race/hook.c $(RACE_STAGE),ledger \
    fastpath shm)
$(call test,test_publish_order_qsbr,tests/race/publish_order_qsbr.c tests/race/hooked_watcher.c \
    tests/race/hook.c $(RACE_WATCH),shm,$(URCU))
$(call test,test_stage_order,tests/race/stage_order.c tests/race/hooked_stage.c tests/race/hook.c \
    $(RACE_WATCH),shm,$(URCU))
$(call test,test_negative,tests/race/negative.c)

# 1 = name, 2 = sources, 3 = linker words
race_broken = $(eval $(call exe_rule,race,$(1),$(2),shm,$(3) -lcmocka))
$(call race_broken,ring_relaxed,$(RACE_BROKEN)/ring_relaxed.c)
$(call race_broken,live_plain,$(RACE_BROKEN)/live_plain.c)
$(eval $(call exe_rule,race,frequency_tail_last,$(RACE_BROKEN)/frequency_tail_last.c tests/race/hook.c \
    $(RACE_STAGE),fastpath shm,-lcmocka))
$(eval $(call exe_rule,race,frequency_plain,$(RACE_BROKEN)/frequency_plain.c $(RACE_STAGE),\
    fastpath shm,-lcmocka))
$(call race_broken,publish_relaxed,tests/race/publish.c $(RACE_BROKEN)/watcher_relaxed.c \
    $(RACE_WATCH),$(URCU))
$(call race_broken,publish_no_grace,tests/race/publish.c $(RACE_BROKEN)/watcher_no_grace.c \
    tests/race/hook.c $(RACE_WATCH),$(URCU))
$(call race_broken,ring_head_first,$(RACE_BROKEN)/ring_head_first.c tests/race/hooked_ring.c \
    tests/race/hook.c)
$(call race_broken,ring_tail_first,$(RACE_BROKEN)/ring_tail_first.c tests/race/hook.c)
$(call race_broken,order_no_grace,tests/race/publish_order.c $(RACE_BROKEN)/watcher_no_grace.c \
    tests/race/hook.c $(RACE_WATCH),$(URCU))
$(call race_broken,order_load_first,tests/race/publish_order.c $(RACE_BROKEN)/watcher_load_first.c \
    tests/race/hook.c $(RACE_WATCH),$(URCU))
# 1 = name, 2 = sources
race_broken_money = $(eval $(call exe_rule,race,$(1),$(2) tests/race/hook.c $(RACE_STAGE),ledger \
    fastpath shm,-lcmocka))
$(call race_broken_money,allowance_commit_first,$(RACE_BROKEN)/reserve_commit_first.c)
$(call race_broken_money,allowance_raise_first,tests/race/allowance_order.c \
    $(RACE_BROKEN)/ledger_raise_first.c)
$(call race_broken,publish_qsbr_no_grace,tests/race/publish_qsbr.c \
    $(RACE_BROKEN)/watcher_no_grace.c tests/race/hook.c $(RACE_WATCH),$(URCU))
$(call race_broken,order_qsbr_no_grace,tests/race/publish_order_qsbr.c \
    $(RACE_BROKEN)/watcher_no_grace.c tests/race/hook.c $(RACE_WATCH),$(URCU))

$(B)/tests/race_negative: | $(B)/race/ring_relaxed $(B)/race/live_plain $(B)/race/publish_relaxed \
    $(B)/race/publish_no_grace $(B)/race/publish_qsbr_no_grace $(B)/race/frequency_plain
$(B)/tests/test_negative: | $(B)/race/ring_head_first $(B)/race/ring_tail_first \
    $(B)/race/order_no_grace $(B)/race/order_qsbr_no_grace $(B)/race/order_load_first \
    $(B)/race/frequency_tail_last $(B)/race/allowance_commit_first $(B)/race/allowance_raise_first
TSAN_TESTS += test_overspend test_allowance_order test_ring_order test_publish_order test_publish_order_qsbr \
    test_stage_order
