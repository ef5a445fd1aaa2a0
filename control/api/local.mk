# SPDX-License-Identifier: Apache-2.0
# The control socket, the client that tools link, and the commands (they need the engine and cJSON).
$(call lib,api,\
	control/api/api.c \
	control/api/socket.c)
$(call lib,client,\
	control/api/socket.c \
	control/client.c \
	control/client_config.c \
	control/client_token.c)
$(call lib,commands,\
	control/api/command_account.c \
	control/api/command_execute.c \
	control/api/command_insights.c \
	control/api/command_latency.c \
	control/api/command_models.c \
	control/api/command_numbers.c \
	control/api/command_optimization.c \
	control/api/command_override.c \
	control/api/command_partners.c \
	control/api/command_patterns.c \
	control/api/command_record.c \
	control/api/command_reload.c \
	control/api/command_rules.c \
	control/api/command_status.c \
	control/api/commands.c \
	control/api/json.c \
	control/api/json_proposal.c)
