# SPDX-License-Identifier: Apache-2.0
# Debian 12 packages, by what needs them; `make deps` installs the missing ones.

# building everything that is installed, and `make run`
DEPS_BUILD := gcc g++ libc6-dev make pkg-config \
    liburcu-dev libxxhash-dev libcyaml-dev libyaml-dev libsodium-dev libssl-dev libsqlite3-dev \
    libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libcjson-dev libwebsockets-dev libxgboost-dev nginx nginx-dev curl procps python3 tzdata

# `make test`: unit tests, lints, end-to-end tests
DEPS_TEST := libcmocka-dev protobuf-compiler python3-protobuf clang-format binutils git strace spin \
    libdpdk-dev libmsgpack-dev iproute2 ethtool libjansson-dev abigail-tools libglpk-dev libnlopt-dev

# `make coverage`
DEPS_COVERAGE := gcovr

# `make bench`
DEPS_BENCH := libbenchmark-dev wrk libck-dev liblmdb-dev libhiredis-dev redis-server valgrind

# `make oracle`: the reference tools of tests/oracle
DEPS_ORACLE := python3-statsmodels r-base-core r-cran-survival r-cran-metafor python3-sklearn python3-scipy
