# SPDX-License-Identifier: Apache-2.0
# qbidd's HTTP operations by curl, and tenants' tokens on the control socket.
$(call e2e,http_operations,tests/e2e/http/operations.sh)
