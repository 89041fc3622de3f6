"""The AWS configuration: what is read from files and the environment, and what cannot work."""
