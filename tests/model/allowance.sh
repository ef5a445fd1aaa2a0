#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The runs of allowance.pml, as a test with its own time limit.
exec "$(dirname "$0")/model.sh" allowance
