# SPDX-License-Identifier: Apache-2.0
# What is taken down of models, insights, attribution and audiences; needs insights, learn, publish and store.
$(call lib,records,control/records/attribution.c control/records/overlaps.c control/records/recorder.c)
