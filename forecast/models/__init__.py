"""The Bayesian models: each module adds its part to one PyMC model, the definition of what `density` works out."""
