#!/usr/bin/env Rscript
# SPDX-License-Identifier: Apache-2.0
# Fixture of tests/control/models/landscape/test_survival.c: 100 data sets full of ties, and what R's survival::survfit says of
# them. Without an argument it writes to standard output; with --check FILE it compares, to 1e-14.
# A line: data set, time, events there, losses there, survival just after.
suppressPackageStartupMessages(library(survival))
BINS <- 12

sets <- function() {
  set.seed(20240501, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  rows <- list()
  for (set in 1:100) {
    n <- 10 + sample.int(190, 1)
    time <- sample.int(BINS, n, replace = TRUE) - 1
    event <- rbinom(n, 1, runif(1, 0.2, 0.95))
    # timefix off: the times are whole numbers
    fit <- survfit(Surv(time, event) ~ 1, timefix = FALSE)
    after <- summary(fit, times = 0:(BINS - 1), extend = TRUE)$surv
    for (t in 0:(BINS - 1))
      rows[[length(rows) + 1]] <- sprintf("%d %d %d %d %.17g", set, t, sum(time == t & event == 1),
                                          sum(time == t & event == 0), after[t + 1])
  }
  unlist(rows)
}

args <- commandArgs(trailingOnly = TRUE)
fresh <- sets()
if (length(args) == 2 && args[1] == "--check") {
  kept <- grep("^#", readLines(args[2]), invert = TRUE, value = TRUE)
  number <- function(lines) matrix(as.numeric(unlist(strsplit(lines, " "))), ncol = 5, byrow = TRUE)
  if (length(kept) != length(fresh) || max(abs(number(kept) - number(fresh))) > 1e-14)
    stop(args[2], " is not what survfit says")
  cat("survfit:", length(fresh), "lines agree\n")
} else {
  cat("# SPDX-License-Identifier: Apache-2.0\n")
  cat("# Made by tests/oracle/survfit.R with survival", as.character(packageVersion("survival")), "of R",
      paste0(R.version$major, ".", R.version$minor), "\n")
  cat(fresh, sep = "\n")
}
