# SPDX-License-Identifier: Apache-2.0
# Models of the protocols between the processes, checked with spin.
$(call e2e,models,tests/model/model.sh)
