"""Models and CLIPs from and to files: names, converters, builders, fingerprints."""
