"""What every process is built from: settings, connections, logging and embedded servers."""
