# SPDX-License-Identifier: Apache-2.0
# Tests of plugin/notice: tokens, prices, URLs, what becomes of a notice.
$(call test,test_token,tests/plugin/notice/test_token.c,qbid shm,-lsodium)
$(call test,test_clearing,tests/plugin/notice/test_clearing.c,qbid shm,-lsodium -lcrypto \
    $(addprefix -Xlinker --wrap=,calloc EVP_DigestInit_ex2 EVP_DigestUpdate EVP_DigestFinal_ex \
    EVP_DecryptInit_ex2 EVP_DecryptUpdate EVP_DecryptFinal_ex EVP_CIPHER_CTX_ctrl))
$(call test,test_notice,tests/plugin/notice/test_notice.c,qbid shm,-lsodium -lcrypto)
$(call test,test_receive,tests/plugin/notice/test_receive.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_sign,tests/plugin/notice/test_sign.c $(TEST_HOST),qbid fastpath shm,$(TEST_HOST_LDLIBS))
