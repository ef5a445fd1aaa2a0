# SPDX-License-Identifier: Apache-2.0
# Configuration, the document tree and the key file; needs libcyaml and libyaml.
$(call lib,config,\
	control/config/audit_key_file.c \
	control/config/config.c \
	control/config/config_describe.c \
	control/config/config_limits.c \
	control/config/config_privacy.c \
	control/config/config_reload.c \
	control/config/config_schema.c \
	control/config/key_file.c \
	control/config/partner_keys.c \
	control/config/partners.c \
	control/config/problems.c \
	control/config/yaml.c \
	control/config/zone.c)
$(call install,control/config/example.yaml,share/doc/qbid/config,644)
