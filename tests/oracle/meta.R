#!/usr/bin/env Rscript
# SPDX-License-Identifier: Apache-2.0
# Reference meta-analyses by metafor (Viechtbauer 2010), as the header of test_meta: the thirteen BCG
# trials of Colditz et al. 1994 (its dat.bcg, log relative risks), and made-up studies.
suppressMessages(library(metafor))
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
two <- data.frame(yi = c(0.12, 0.55), vi = c(0.02, 0.03))
alike <- data.frame(yi = c(0.20, 0.22, 0.19, 0.21), vi = c(0.01, 0.02, 0.015, 0.04))
mixed <- data.frame(yi = c(-0.4, 0.1, 0.35, 0.9, 0.2, -0.1), vi = c(0.001, 0.2, 0.01, 0.05, 0.0004, 0.3))
cat("/* SPDX-License-Identifier: Apache-2.0 */\n")
cat("/* Written by tests/oracle/meta.R: studies, and what metafor makes of them by Paule and Mandel with\n")
cat(" * Hartung and Knapp's interval (\"adhoc\": never below the normal one), 90 %. */\n")
cat("#ifndef QBID_TESTS_CONTROL_MODELS_META_REFERENCE_H\n")
cat("#define QBID_TESTS_CONTROL_MODELS_META_REFERENCE_H\n\n/* clang-format off */\n")
cat("static const struct {\n    const char *name;\n    uint32_t cnt;\n    double effect[16], variance[16];\n")
cat("    double mean, se, low, high, tau2, i2, q, q_p, next_low, next_high;\n} reference[] = {\n")
number <- function(x) paste(sprintf("%.15g", x), collapse = ", ")
show <- function(name, d) {
    f <- rma(yi, vi, data = d, method = "PM", test = "adhoc", level = 90,
             control = list(tol = 1e-15, maxiter = 10000, tau2.max = 1000))
    p <- predict(f)
    cat(sprintf("    {\"%s\", %d, {%s}, {%s},\n     %s},\n", name, nrow(d), number(d$yi), number(d$vi),
                number(c(coef(f), f$se, f$ci.lb, f$ci.ub, f$tau2, f$I2 / 100, f$QE, f$QEp, p$pi.lb, p$pi.ub))))
}
show("bcg", bcg)
show("two", two)
show("alike", alike)
show("mixed", mixed)
cat("};\n/* clang-format on */\n\n#endif\n")
