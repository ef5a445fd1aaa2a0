# SPDX-License-Identifier: Apache-2.0
# Counts of exposures against an exact reference.
$(call test,test_frequency_book,tests/control/frequency/test_frequency_book.c,frequency shm)
