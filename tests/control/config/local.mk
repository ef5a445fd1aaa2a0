# SPDX-License-Identifier: Apache-2.0
# Reading what operators write.
$(call test,test_yaml,tests/control/config/test_yaml.c,config shm,-lcyaml -lyaml)
$(call test,test_problems,tests/control/config/test_problems.c,config shm,)
$(call test,test_config,tests/control/config/test_config.c,config shm,-lcyaml -lyaml)
$(call test,test_partners,tests/control/config/test_partners.c,config shm,-lcyaml -lyaml)
$(call test,test_key_file,tests/control/config/test_key_file.c,config shm,)
$(call test,test_zone,tests/control/config/test_zone.c,config shm,)
