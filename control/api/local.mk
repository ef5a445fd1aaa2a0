# SPDX-License-Identifier: Apache-2.0
# The control socket, and the client that tools link.
$(call lib,api,\
	control/api/api.c \
	control/api/socket.c)
$(call lib,client,\
	control/api/socket.c \
	control/client.c)
