"""The AWS configuration: read and check the settings in files and the environment."""
