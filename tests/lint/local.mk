# SPDX-License-Identifier: Apache-2.0
$(call e2e,runner,tests/lint/runner.sh)
