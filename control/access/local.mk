# SPDX-License-Identifier: Apache-2.0
# Who asks; needs config (key files), links libsodium.
$(call lib,access,\
	control/access/tokens.c \
	control/client_token.c)
