# SPDX-License-Identifier: Apache-2.0
# What is taken down of models and insights; needs insights, learn and store.
$(call lib,records,control/records/recorder.c)
