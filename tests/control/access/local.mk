# SPDX-License-Identifier: Apache-2.0
# Tokens and their file.
$(call test,test_tokens,tests/control/access/test_tokens.c,access config shm,-lsodium -lcyaml -lyaml -pthread)
