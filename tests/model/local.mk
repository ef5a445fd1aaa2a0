# SPDX-License-Identifier: Apache-2.0
# Models of the protocols between the processes, checked with spin.
$(call e2e,model_swap,tests/model/swap.sh)
$(call e2e,model_stage,tests/model/stage.sh)
$(call e2e,model_allowance,tests/model/allowance.sh)
