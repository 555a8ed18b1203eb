"""The Bayesian models: each module adds its part to one PyMC model, which is compiled and sampled once."""
