/* usl.h - the Universal Scalability Law of Gunther: throughput at size N,
 * X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)). sigma is the share
 * that waits for others, kappa the cost of agreeing with each of them.
 * http://www.perfdynamics.com/Manifesto/USLscalability.html */
#ifndef LOAD_USL_H
#define LOAD_USL_H

#include <stdbool.h>

struct usl {
    double lambda, sigma, kappa;
    double peak_n, peak_x; /* where it is fastest; peak_n 0: no end in sight */
    double r2;             /* of the throughputs, 1: exact */
};

/* Fit n points (N > 0, X > 0; others are left out) by least squares of N / X,
 * a quadratic in N; negative sigma or kappa are fitted again as 0. False with
 * fewer than three different N or when nothing sensible fits. */
bool usl_fit(struct usl *u, const double *n, const double *x, int points);
double usl_at(const struct usl *u, double n);

#endif
