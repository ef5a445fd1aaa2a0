# SPDX-License-Identifier: Apache-2.0
# Who saw what how often.
$(call lib,frequency,control/frequency/frequency_book.c)
