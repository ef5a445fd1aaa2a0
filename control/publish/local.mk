# SPDX-License-Identifier: Apache-2.0
# The table builder (needs models, account, shm) and the publisher (needs shm).
$(call lib,publish,\
	control/publish/build_check.c \
	control/publish/build_image.c \
	control/publish/publisher.c \
	control/publish/publisher_client.c control/publish/publisher_image.c \
	control/publish/publisher_slot.c \
	control/publish/section_creatives.c \
	control/publish/section_dict.c \
	control/publish/section_index.c \
	control/publish/section_targets.c control/publish/section_traits.c)
