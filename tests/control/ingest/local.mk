# SPDX-License-Identifier: Apache-2.0
# From rings to outcomes.
$(call test,test_ingest,tests/control/ingest/test_ingest.c tests/control/learn/fixture.c,ingest account keymap shm,-lm)
$(call test,test_ingest_stream,tests/control/ingest/test_ingest_stream.c tests/control/learn/fixture.c,\
    ingest account keymap shm,-lm)
$(call test,test_reasons,tests/control/ingest/test_reasons.c,ingest)
