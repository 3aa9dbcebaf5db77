"""The version of the code, as artifacts and answers name it."""

VERSION = "0.1.0"
