# SPDX-License-Identifier: Apache-2.0
# The control socket and its client.
$(call test,test_api,tests/control/api/test_api.c,api client shm,-pthread)
$(call test,test_json_words,tests/control/api/test_json.c,commands api account config shm,-lcjson -lcyaml -lyaml -lm)
