"""Local clusters to run the whole program on, and the toolchain they are made of. Nothing else imports this."""
