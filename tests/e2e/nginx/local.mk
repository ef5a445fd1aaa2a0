# SPDX-License-Identifier: Apache-2.0
# The nginx module in a real nginx. The helpers lie in build/<profile>/e2e/nginx.
$(eval $(call exe_rule,e2e/nginx,client,$(addprefix tests/e2e/nginx/,client.c http.c load.c),,))
$(eval $(call exe_rule,e2e/nginx,pace,$(addprefix tests/e2e/nginx/,pace.c http.c),,))
$(eval $(call exe_rule,e2e/nginx,table_server,tests/e2e/nginx/table_server.c \
    tests/e2e/nginx/table_image.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    qbid fastpath shm,$(QBID_LDLIBS)))
all: $(B)/e2e/nginx/client $(B)/e2e/nginx/pace $(B)/e2e/nginx/table_server

$(call test,test_ngx_board,tests/plugin/nginx/test_board.c plugin/nginx/board.c,,)
TSAN_TESTS += test_ngx_board

$(call e2e,nginx_config,tests/e2e/nginx/config.sh)
$(call e2e,nginx_requests,tests/e2e/nginx/requests.sh)
$(call e2e,nginx_notices,tests/e2e/nginx/notices.sh)
$(call e2e,nginx_nbr,tests/e2e/nginx/nbr.sh)
$(call e2e,nginx_terms,tests/e2e/nginx/terms.sh)
$(call e2e,nginx_wire,tests/e2e/nginx/wire.sh)
$(call e2e,nginx_status,tests/e2e/nginx/status.sh)
$(call e2e,nginx_table,tests/e2e/nginx/table.sh)
$(call e2e,nginx_life,tests/e2e/nginx/life.sh)
$(call e2e,nginx_reloads,tests/e2e/nginx/reloads.sh)
$(call e2e,nginx_overload,tests/e2e/nginx/overload.sh)
$(call e2e,nginx_clients,tests/e2e/nginx/clients.sh)
$(call e2e,nginx_qbidd,tests/e2e/nginx/qbidd.sh)
$(call e2e,nginx_privacy,tests/e2e/nginx/privacy.sh)
$(call e2e,nginx_money,tests/e2e/nginx/money.sh)
$(call e2e,nginx_partner,tests/e2e/nginx/partner.sh)
$(call e2e,nginx_corpus,tests/e2e/nginx/corpus.sh)
$(call e2e,nginx_corpus_asan,tests/e2e/nginx/corpus.sh,asan)
$(call e2e,nginx_requests_asan,tests/e2e/nginx/requests.sh,asan)
$(call e2e,nginx_wire_asan,tests/e2e/nginx/wire.sh,asan)
$(call e2e,nginx_notices_asan,tests/e2e/nginx/notices.sh,asan)
