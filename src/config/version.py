"""The version of the code, as artefacts and answers name it."""

VERSION = "0.1.0"
