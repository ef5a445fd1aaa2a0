# SPDX-License-Identifier: Apache-2.0
# The whole site: qbidd, nginx with the module, qbid-replay, qbid.
$(call e2e,loop_cli,tests/e2e/loop/cli.sh)
$(call e2e,loop_notices,tests/e2e/loop/notices.sh)
$(call e2e,loop_kills,tests/e2e/loop/kills.sh)
$(call e2e,loop_override,tests/e2e/loop/override.sh)
$(call e2e,loop_limits,tests/e2e/loop/limits.sh)
$(call e2e,loop_publish,tests/e2e/loop/publish_under_load.sh)
$(call e2e,loop_rules,tests/e2e/loop/rules.sh)
