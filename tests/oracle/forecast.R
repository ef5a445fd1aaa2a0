#!/usr/bin/env Rscript
# SPDX-License-Identifier: Apache-2.0
# Reference fits of R's HoltWinters on three series of R's datasets package (Box and Jenkins' airline
# passengers, Mauna Loa CO2, the Nile at Aswan: measured numbers), as the header of test_smoothing.
array <- function(name, x) {
    cat("static const double ", name, "[] = {\n", sep = "")
    text <- format(as.numeric(x), trim = TRUE, drop0trailing = TRUE)
    for (from in seq(1, length(text), 12))
        cat("    ", paste(text[from:min(from + 11, length(text))], collapse = ", "), ",\n", sep = "")
    cat("};\n")
}
fit <- function(name, f) {
    number <- function(x) if (is.logical(x)) 0 else as.numeric(x)
    cat(sprintf("static const struct reference %s = {%.4f, %.4f, %.4f, %.7g};\n", name,
                number(f$alpha), number(f$beta), number(f$gamma), f$SSE))
}
cat("/* SPDX-License-Identifier: Apache-2.0 */\n")
cat("/* Written by tests/oracle/forecast.R: three series of R's datasets and R's fits of them. */\n")
cat("#ifndef QBID_TESTS_CONTROL_MODELS_FORECAST_REFERENCE_H\n")
cat("#define QBID_TESTS_CONTROL_MODELS_FORECAST_REFERENCE_H\n\n/* clang-format off */\n")
cat("struct reference { double alpha, beta, gamma, sse; };\n")
array("air_passengers", AirPassengers)
fit("air_passengers_fit", HoltWinters(AirPassengers, seasonal = "multiplicative"))
array("co2", co2)
fit("co2_fit", HoltWinters(co2))
array("nile", Nile)
fit("nile_fit", HoltWinters(Nile, gamma = FALSE, beta = FALSE))
array("air_passengers_ahead",
      sprintf("%.2f", predict(HoltWinters(AirPassengers, seasonal = "multiplicative"), 24)))
array("co2_ahead", sprintf("%.3f", predict(HoltWinters(co2), 24)))
cat("/* clang-format on */\n\n#endif\n")
