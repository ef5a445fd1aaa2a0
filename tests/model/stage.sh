#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The runs of stage.pml, as a test with its own time limit.
exec "$(dirname "$0")/model.sh" stage
