"""Methods: losses, penalties, architectures and wrappers, the parts of a GAN that are trained."""
